"""Logging in: name and password, and for whoever has set up a second factor its code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django_otp import devices_for_user
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.models import Device


class LoginForm(OTPAuthenticationFormMixin, AdminAuthenticationForm):
    """The admin's form, with a code. Nobody needs one who has no device; who has one gets in by no other way."""

    otp_device = forms.CharField(required=False, widget=forms.Select, label="Device")
    otp_token = forms.CharField(
        required=False,
        label="Code",
        help_text="Only where you have set up a second factor.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text"}),
    )
    otp_error_messages = OTPAuthenticationFormMixin.otp_error_messages | {
        "token_required": "Type the code that your device shows, and the password once more.",
        "invalid_token": "That code is not the one of this moment. Wait for the next, and type the password once more.",
        "device_required": "Choose the device whose code you type, and type the password once more.",
    }

    def clean(self) -> dict[str, Any]:
        self.cleaned_data = super().clean()
        user = self.get_user()
        if user is not None and self._devices(user):
            self.clean_otp(user)
        return self.cleaned_data

    @property
    def asks_for_device(self) -> bool:
        """Whether the password was right, and there are several devices to choose from."""
        return len(self.fields["otp_device"].widget.choices) > 0

    def _chosen_device(self, user: User) -> Device | None:
        """The device that was chosen, or the only one."""
        devices = self._devices(user)
        return devices[0] if len(devices) == 1 else super()._chosen_device(user)

    def _update_form(self, user: User) -> None:
        """Offers the devices. The password is not sent back."""
        if len(self._devices(user)) > 1:
            self.fields["otp_device"].widget.choices = self.device_choices(user)

    def _devices(self, user: User) -> list[Device]:
        return list(devices_for_user(user))
