"""The 22 questions of TPC-H as queries of gold tables, with their grains, over the silver tables of its schema.

Without ORDER BY and LIMIT, which say how an answer is shown. Question 15 has its view as a common table expression. A
question about one number has the grain `one`.
"""

from __future__ import annotations

from typing import NamedTuple

#: Table → its columns with their types, as the specification has them; the key's columns first.
TABLES = {
    "region": "r_regionkey integer, r_name text, r_comment text",
    "nation": "n_nationkey integer, n_name text, n_regionkey integer, n_comment text",
    "supplier": "s_suppkey integer, s_name text, s_address text, s_nationkey integer, s_phone text, "
    "s_acctbal numeric(15, 2), s_comment text",
    "customer": "c_custkey integer, c_name text, c_address text, c_nationkey integer, c_phone text, "
    "c_acctbal numeric(15, 2), c_mktsegment text, c_comment text",
    "part": "p_partkey integer, p_name text, p_mfgr text, p_brand text, p_type text, p_size integer, p_container text, "
    "p_retailprice numeric(15, 2), p_comment text",
    "partsupp": "ps_partkey integer, ps_suppkey integer, ps_availqty integer, ps_supplycost numeric(15, 2), "
    "ps_comment text",
    "orders": "o_orderkey integer, o_custkey integer, o_orderstatus text, o_totalprice numeric(15, 2), "
    "o_orderdate date, o_orderpriority text, o_clerk text, o_shippriority integer, o_comment text",
    "lineitem": "l_orderkey integer, l_partkey integer, l_suppkey integer, l_linenumber integer, "
    "l_quantity numeric(15, 2), l_extendedprice numeric(15, 2), l_discount numeric(15, 2), l_tax numeric(15, 2), "
    "l_returnflag text, l_linestatus text, l_shipdate date, l_commitdate date, l_receiptdate date, "
    "l_shipinstruct text, l_shipmode text, l_comment text",
}  # fmt: skip
#: Table → its key.
KEYS = {
    "region": "r_regionkey", "nation": "n_nationkey", "supplier": "s_suppkey", "customer": "c_custkey",
    "part": "p_partkey", "partsupp": "ps_partkey, ps_suppkey", "orders": "o_orderkey",
    "lineitem": "l_orderkey, l_linenumber",
}  # fmt: skip


class Question(NamedTuple):
    """A query with its grain."""

    grain: str
    query: str


QUESTIONS = {
    1: Question("l_returnflag l_linestatus", """
        SELECT l.l_returnflag, l.l_linestatus, sum(l.l_quantity) AS sum_qty, sum(l.l_extendedprice) AS sum_base_price,
            sum(l.l_extendedprice * (1 - l.l_discount)) AS sum_disc_price,
            sum(l.l_extendedprice * (1 - l.l_discount) * (1 + l.l_tax)) AS sum_charge,
            avg(l.l_quantity) AS avg_qty, avg(l.l_extendedprice) AS avg_price, avg(l.l_discount) AS avg_disc,
            count(*) AS count_order
        FROM silver.tpch_lineitem AS l
        WHERE l.l_shipdate <= date '1998-09-02'
        GROUP BY 1, 2"""),
    2: Question("p_partkey s_suppkey", """
        SELECT p.p_partkey, s.s_suppkey, s.s_acctbal, s.s_name, n.n_name, p.p_mfgr, s.s_address, s.s_phone, s.s_comment
        FROM silver.tpch_part AS p
        JOIN silver.tpch_partsupp AS ps ON ps.ps_partkey = p.p_partkey
        JOIN silver.tpch_supplier AS s ON s.s_suppkey = ps.ps_suppkey
        JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
        JOIN silver.tpch_region AS r ON r.r_regionkey = n.n_regionkey
        WHERE p.p_size = 15 AND p.p_type LIKE '%BRASS' AND r.r_name = 'EUROPE' AND ps.ps_supplycost = (
            SELECT min(ps2.ps_supplycost)
            FROM silver.tpch_partsupp AS ps2
            JOIN silver.tpch_supplier AS s2 ON s2.s_suppkey = ps2.ps_suppkey
            JOIN silver.tpch_nation AS n2 ON n2.n_nationkey = s2.s_nationkey
            JOIN silver.tpch_region AS r2 ON r2.r_regionkey = n2.n_regionkey
            WHERE ps2.ps_partkey = p.p_partkey AND r2.r_name = 'EUROPE'
        )"""),
    3: Question("l_orderkey o_orderdate o_shippriority", """
        SELECT l.l_orderkey, o.o_orderdate, o.o_shippriority, sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue
        FROM silver.tpch_customer AS c
        JOIN silver.tpch_orders AS o ON o.o_custkey = c.c_custkey
        JOIN silver.tpch_lineitem AS l ON l.l_orderkey = o.o_orderkey
        WHERE c.c_mktsegment = 'BUILDING' AND o.o_orderdate < date '1995-03-15' AND l.l_shipdate > date '1995-03-15'
        GROUP BY 1, 2, 3"""),
    4: Question("o_orderpriority", """
        SELECT o.o_orderpriority, count(*) AS order_count
        FROM silver.tpch_orders AS o
        WHERE o.o_orderdate >= date '1993-07-01' AND o.o_orderdate < date '1993-10-01' AND EXISTS (
            SELECT 1 FROM silver.tpch_lineitem AS l
            WHERE l.l_orderkey = o.o_orderkey AND l.l_commitdate < l.l_receiptdate
        )
        GROUP BY 1"""),
    5: Question("n_name", """
        SELECT n.n_name, sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue
        FROM silver.tpch_customer AS c
        JOIN silver.tpch_orders AS o ON o.o_custkey = c.c_custkey
        JOIN silver.tpch_lineitem AS l ON l.l_orderkey = o.o_orderkey
        JOIN silver.tpch_supplier AS s ON s.s_suppkey = l.l_suppkey AND s.s_nationkey = c.c_nationkey
        JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
        JOIN silver.tpch_region AS r ON r.r_regionkey = n.n_regionkey
        WHERE r.r_name = 'ASIA' AND o.o_orderdate >= date '1994-01-01' AND o.o_orderdate < date '1995-01-01'
        GROUP BY 1"""),
    6: Question("one", """
        SELECT 1 AS one, sum(l.l_extendedprice * l.l_discount) AS revenue
        FROM silver.tpch_lineitem AS l
        WHERE l.l_shipdate >= date '1994-01-01' AND l.l_shipdate < date '1995-01-01'
            AND l.l_discount BETWEEN 0.05 AND 0.07 AND l.l_quantity < 24
        GROUP BY 1"""),
    7: Question("supp_nation cust_nation l_year", """
        SELECT v.supp_nation, v.cust_nation, v.l_year, sum(v.volume) AS revenue
        FROM (
            SELECT n1.n_name AS supp_nation, n2.n_name AS cust_nation, extract(year FROM l.l_shipdate) AS l_year,
                l.l_extendedprice * (1 - l.l_discount) AS volume
            FROM silver.tpch_supplier AS s
            JOIN silver.tpch_lineitem AS l ON l.l_suppkey = s.s_suppkey
            JOIN silver.tpch_orders AS o ON o.o_orderkey = l.l_orderkey
            JOIN silver.tpch_customer AS c ON c.c_custkey = o.o_custkey
            JOIN silver.tpch_nation AS n1 ON n1.n_nationkey = s.s_nationkey
            JOIN silver.tpch_nation AS n2 ON n2.n_nationkey = c.c_nationkey
            WHERE l.l_shipdate BETWEEN date '1995-01-01' AND date '1996-12-31' AND (
                (n1.n_name = 'FRANCE' AND n2.n_name = 'GERMANY') OR (n1.n_name = 'GERMANY' AND n2.n_name = 'FRANCE')
            )
        ) AS v
        GROUP BY 1, 2, 3"""),
    8: Question("o_year", """
        SELECT v.o_year, sum(CASE WHEN v.nation = 'BRAZIL' THEN v.volume ELSE 0 END) / sum(v.volume) AS mkt_share
        FROM (
            SELECT extract(year FROM o.o_orderdate) AS o_year, l.l_extendedprice * (1 - l.l_discount) AS volume,
                n2.n_name AS nation
            FROM silver.tpch_part AS p
            JOIN silver.tpch_lineitem AS l ON l.l_partkey = p.p_partkey
            JOIN silver.tpch_supplier AS s ON s.s_suppkey = l.l_suppkey
            JOIN silver.tpch_orders AS o ON o.o_orderkey = l.l_orderkey
            JOIN silver.tpch_customer AS c ON c.c_custkey = o.o_custkey
            JOIN silver.tpch_nation AS n1 ON n1.n_nationkey = c.c_nationkey
            JOIN silver.tpch_region AS r ON r.r_regionkey = n1.n_regionkey
            JOIN silver.tpch_nation AS n2 ON n2.n_nationkey = s.s_nationkey
            WHERE r.r_name = 'AMERICA' AND p.p_type = 'ECONOMY ANODIZED STEEL'
                AND o.o_orderdate BETWEEN date '1995-01-01' AND date '1996-12-31'
        ) AS v
        GROUP BY 1"""),
    9: Question("nation o_year", """
        SELECT v.nation, v.o_year, sum(v.amount) AS sum_profit
        FROM (
            SELECT n.n_name AS nation, extract(year FROM o.o_orderdate) AS o_year,
                l.l_extendedprice * (1 - l.l_discount) - ps.ps_supplycost * l.l_quantity AS amount
            FROM silver.tpch_part AS p
            JOIN silver.tpch_lineitem AS l ON l.l_partkey = p.p_partkey
            JOIN silver.tpch_supplier AS s ON s.s_suppkey = l.l_suppkey
            JOIN silver.tpch_partsupp AS ps ON ps.ps_suppkey = l.l_suppkey AND ps.ps_partkey = l.l_partkey
            JOIN silver.tpch_orders AS o ON o.o_orderkey = l.l_orderkey
            JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
            WHERE p.p_name LIKE '%green%'
        ) AS v
        GROUP BY 1, 2"""),
    10: Question("c_custkey", """
        SELECT c.c_custkey, c.c_name, sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue, c.c_acctbal, n.n_name,
            c.c_address, c.c_phone, c.c_comment
        FROM silver.tpch_customer AS c
        JOIN silver.tpch_orders AS o ON o.o_custkey = c.c_custkey
        JOIN silver.tpch_lineitem AS l ON l.l_orderkey = o.o_orderkey
        JOIN silver.tpch_nation AS n ON n.n_nationkey = c.c_nationkey
        WHERE o.o_orderdate >= date '1993-10-01' AND o.o_orderdate < date '1994-01-01' AND l.l_returnflag = 'R'
        GROUP BY c.c_custkey, c.c_name, c.c_acctbal, c.c_phone, n.n_name, c.c_address, c.c_comment"""),
    11: Question("ps_partkey", """
        SELECT ps.ps_partkey, sum(ps.ps_supplycost * ps.ps_availqty) AS value
        FROM silver.tpch_partsupp AS ps
        JOIN silver.tpch_supplier AS s ON s.s_suppkey = ps.ps_suppkey
        JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
        WHERE n.n_name = 'GERMANY'
        GROUP BY 1
        HAVING sum(ps.ps_supplycost * ps.ps_availqty) > (
            SELECT sum(ps2.ps_supplycost * ps2.ps_availqty) * 0.0001
            FROM silver.tpch_partsupp AS ps2
            JOIN silver.tpch_supplier AS s2 ON s2.s_suppkey = ps2.ps_suppkey
            JOIN silver.tpch_nation AS n2 ON n2.n_nationkey = s2.s_nationkey
            WHERE n2.n_name = 'GERMANY'
        )"""),
    12: Question("l_shipmode", """
        SELECT l.l_shipmode,
            sum(CASE WHEN o.o_orderpriority IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS high_line_count,
            sum(CASE WHEN o.o_orderpriority NOT IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS low_line_count
        FROM silver.tpch_orders AS o
        JOIN silver.tpch_lineitem AS l ON l.l_orderkey = o.o_orderkey
        WHERE l.l_shipmode IN ('MAIL', 'SHIP') AND l.l_commitdate < l.l_receiptdate AND l.l_shipdate < l.l_commitdate
            AND l.l_receiptdate >= date '1994-01-01' AND l.l_receiptdate < date '1995-01-01'
        GROUP BY 1"""),
    13: Question("c_count", """
        SELECT v.c_count, count(*) AS custdist
        FROM (
            SELECT c.c_custkey, count(o.o_orderkey) AS c_count
            FROM silver.tpch_customer AS c
            LEFT JOIN silver.tpch_orders AS o
                ON o.o_custkey = c.c_custkey AND o.o_comment NOT LIKE '%special%requests%'
            GROUP BY 1
        ) AS v
        GROUP BY 1"""),
    14: Question("one", """
        SELECT 1 AS one, 100.00 * sum(
            CASE WHEN p.p_type LIKE 'PROMO%' THEN l.l_extendedprice * (1 - l.l_discount) ELSE 0 END
        ) / sum(l.l_extendedprice * (1 - l.l_discount)) AS promo_revenue
        FROM silver.tpch_lineitem AS l
        JOIN silver.tpch_part AS p ON p.p_partkey = l.l_partkey
        WHERE l.l_shipdate >= date '1995-09-01' AND l.l_shipdate < date '1995-10-01'
        GROUP BY 1"""),
    15: Question("s_suppkey", """
        WITH revenue AS (
            SELECT l.l_suppkey AS supplier_no, sum(l.l_extendedprice * (1 - l.l_discount)) AS total_revenue
            FROM silver.tpch_lineitem AS l
            WHERE l.l_shipdate >= date '1996-01-01' AND l.l_shipdate < date '1996-04-01'
            GROUP BY 1
        )
        SELECT s.s_suppkey, s.s_name, s.s_address, s.s_phone, r.total_revenue
        FROM silver.tpch_supplier AS s
        JOIN revenue AS r ON r.supplier_no = s.s_suppkey
        WHERE r.total_revenue = (SELECT max(m.total_revenue) FROM revenue AS m)"""),
    16: Question("p_brand p_type p_size", """
        SELECT p.p_brand, p.p_type, p.p_size, count(DISTINCT ps.ps_suppkey) AS supplier_cnt
        FROM silver.tpch_partsupp AS ps
        JOIN silver.tpch_part AS p ON p.p_partkey = ps.ps_partkey
        WHERE p.p_brand <> 'Brand#45' AND p.p_type NOT LIKE 'MEDIUM POLISHED%'
            AND p.p_size IN (49, 14, 23, 45, 19, 3, 36, 9) AND ps.ps_suppkey NOT IN (
                SELECT s.s_suppkey FROM silver.tpch_supplier AS s WHERE s.s_comment LIKE '%Customer%Complaints%'
            )
        GROUP BY 1, 2, 3"""),
    17: Question("one", """
        SELECT 1 AS one, sum(l.l_extendedprice) / 7.0 AS avg_yearly
        FROM silver.tpch_lineitem AS l
        JOIN silver.tpch_part AS p ON p.p_partkey = l.l_partkey
        WHERE p.p_brand = 'Brand#23' AND p.p_container = 'MED BOX' AND l.l_quantity < (
            SELECT 0.2 * avg(l2.l_quantity) FROM silver.tpch_lineitem AS l2 WHERE l2.l_partkey = p.p_partkey
        )
        GROUP BY 1"""),
    18: Question("c_custkey o_orderkey", """
        SELECT c.c_custkey, o.o_orderkey, c.c_name, o.o_orderdate, o.o_totalprice, sum(l.l_quantity) AS quantity
        FROM silver.tpch_customer AS c
        JOIN silver.tpch_orders AS o ON o.o_custkey = c.c_custkey
        JOIN silver.tpch_lineitem AS l ON l.l_orderkey = o.o_orderkey
        WHERE o.o_orderkey IN (
            SELECT l2.l_orderkey FROM silver.tpch_lineitem AS l2 GROUP BY l2.l_orderkey HAVING sum(l2.l_quantity) > 300
        )
        GROUP BY c.c_custkey, o.o_orderkey, c.c_name, o.o_orderdate, o.o_totalprice"""),
    19: Question("one", """
        SELECT 1 AS one, sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue
        FROM silver.tpch_lineitem AS l
        JOIN silver.tpch_part AS p ON p.p_partkey = l.l_partkey
        WHERE l.l_shipmode IN ('AIR', 'AIR REG') AND l.l_shipinstruct = 'DELIVER IN PERSON' AND (
            (p.p_brand = 'Brand#12' AND p.p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
                AND l.l_quantity BETWEEN 1 AND 11 AND p.p_size BETWEEN 1 AND 5)
            OR (p.p_brand = 'Brand#23' AND p.p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
                AND l.l_quantity BETWEEN 10 AND 20 AND p.p_size BETWEEN 1 AND 10)
            OR (p.p_brand = 'Brand#34' AND p.p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
                AND l.l_quantity BETWEEN 20 AND 30 AND p.p_size BETWEEN 1 AND 15)
        )
        GROUP BY 1"""),
    20: Question("s_suppkey", """
        SELECT s.s_suppkey, s.s_name, s.s_address
        FROM silver.tpch_supplier AS s
        JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
        WHERE n.n_name = 'CANADA' AND s.s_suppkey IN (
            SELECT ps.ps_suppkey
            FROM silver.tpch_partsupp AS ps
            WHERE ps.ps_partkey IN (SELECT p.p_partkey FROM silver.tpch_part AS p WHERE p.p_name LIKE 'forest%')
                AND ps.ps_availqty > (
                    SELECT 0.5 * sum(l.l_quantity)
                    FROM silver.tpch_lineitem AS l
                    WHERE l.l_partkey = ps.ps_partkey AND l.l_suppkey = ps.ps_suppkey
                        AND l.l_shipdate >= date '1994-01-01' AND l.l_shipdate < date '1995-01-01'
                )
        )"""),
    21: Question("s_name", """
        SELECT s.s_name, count(*) AS numwait
        FROM silver.tpch_supplier AS s
        JOIN silver.tpch_lineitem AS l ON l.l_suppkey = s.s_suppkey
        JOIN silver.tpch_orders AS o ON o.o_orderkey = l.l_orderkey
        JOIN silver.tpch_nation AS n ON n.n_nationkey = s.s_nationkey
        WHERE o.o_orderstatus = 'F' AND l.l_receiptdate > l.l_commitdate AND n.n_name = 'SAUDI ARABIA'
            AND EXISTS (
                SELECT 1 FROM silver.tpch_lineitem AS l2
                WHERE l2.l_orderkey = l.l_orderkey AND l2.l_suppkey <> l.l_suppkey
            )
            AND NOT EXISTS (
                SELECT 1 FROM silver.tpch_lineitem AS l3
                WHERE l3.l_orderkey = l.l_orderkey AND l3.l_suppkey <> l.l_suppkey
                    AND l3.l_receiptdate > l3.l_commitdate
            )
        GROUP BY 1"""),
    22: Question("cntrycode", """
        SELECT v.cntrycode, count(*) AS numcust, sum(v.c_acctbal) AS totacctbal
        FROM (
            SELECT left(c.c_phone, 2) AS cntrycode, c.c_acctbal
            FROM silver.tpch_customer AS c
            WHERE left(c.c_phone, 2) IN ('13', '31', '23', '29', '30', '18', '17')
                AND c.c_acctbal > (
                    SELECT avg(c2.c_acctbal)
                    FROM silver.tpch_customer AS c2
                    WHERE c2.c_acctbal > 0.00 AND left(c2.c_phone, 2) IN ('13', '31', '23', '29', '30', '18', '17')
                )
                AND NOT EXISTS (SELECT 1 FROM silver.tpch_orders AS o WHERE o.o_custkey = c.c_custkey)
        ) AS v
        GROUP BY 1"""),
}  # fmt: skip
