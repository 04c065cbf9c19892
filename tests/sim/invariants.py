"""What must hold in the two files of a world, whatever happened to it. Plain SQL, no product code.

Each check returns sentences; none means that the invariant holds. `broken` asks what must hold at
every moment, `unsettled` what must hold once the line is good and no order is on its way.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

IN_FLIGHT = ("submitting", "unknown", "escalated", "accepted", "active", "partially_filled")
NEVER_PLACED = ("proposed", "refused", "simulated")
TERMINAL = (
    "refused", "simulated", "rejected", "not_placed", "filled", "cancelled", "expired",
)  # fmt: skip

# Orders of the broker's own app carry a smaller tag at the exchange, which may not show it.
FOREIGN = "client_order_id < 1000000"

Check = Callable[[sqlite3.Connection], Iterator[str]]


def connect(folder: Path) -> sqlite3.Connection:
    """The ledger as `main` and the exchange as `paper`, both read only."""
    connection = sqlite3.connect(f"file:{folder / 'ledger.db'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    connection.execute("ATTACH ? AS paper", (f"file:{folder / 'paper.db'}?mode=ro",))
    return connection


def broken(folder: Path) -> list[str]:
    """Invariants that hold at every moment, a crash included."""
    if not (folder / "paper.db").exists():
        return []  # it crashed before there was an exchange
    with closing(connect(folder)) as db:
        return [text for check in ALWAYS for text in check(db)]


def unsettled(folder: Path) -> list[str]:
    """Invariants that hold once every fact has been reported and every order has ended."""
    with closing(connect(folder)) as db:
        return [text for check in SETTLED for text in check(db)]


def o1_one_order_per_decision(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT i.order_class, i.source_id, i.step, i.attempt, count(*) AS orders
        FROM paper.orders p JOIN intent i USING (client_order_id)
        GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"""
    for row in db.execute(sql):
        yield f"O1: decision {tuple(row)[:4]} has {row['orders']} orders at the exchange"


def o5_every_order_has_its_intent(db: sqlite3.Connection) -> Iterator[str]:
    sql = f"""
        SELECT p.number, p.client_order_id, p.created_ms, i.intent_id, i.state,
            p.symbol = i.symbol AND p.side = i.side AND p.quantity_micro = i.quantity_micro
                AND p.limit_micro = i.limit_micro AS same,
            (SELECT min(at_ms) FROM order_event e
             WHERE e.intent_id = i.intent_id AND e.after = 'submitting') AS begun_ms
        FROM paper.orders p LEFT JOIN intent i USING (client_order_id)
        WHERE NOT p.{FOREIGN}"""
    for row in db.execute(sql):
        name = f"order {row['client_order_id']}"
        if row["intent_id"] is None:
            yield f"O5: {name} at the exchange has no intent"
        elif row["begun_ms"] is None:  # when it was begun is asked at its departure
            yield f"O5: {name} is at the exchange, its intent was never submitting"
        elif not row["same"]:
            yield f"O5: {name} differs from its intent"
        elif row["state"] in (*NEVER_PLACED, "rejected", "not_placed"):
            yield f"O2: {name} is at the exchange, and its intent is {row['state']}"


def o6_what_was_not_placed_moved_nothing(db: sqlite3.Connection) -> Iterator[str]:
    sql = f"""
        SELECT i.intent_id, i.state, f.fill_id FROM intent i JOIN fill f USING (intent_id)
        WHERE i.state IN {(*NEVER_PLACED, "rejected", "not_placed")}"""
    for row in db.execute(sql):
        yield f"O6: order {row['intent_id']} is {row['state']} and has the fill {row['fill_id']}"


def o7_ledger_is_the_sum_of_fills(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT i.intent_id, i.filled_micro, i.quantity_micro, i.state,
            coalesce(sum(f.quantity_micro), 0) AS summed
        FROM intent i LEFT JOIN fill f USING (intent_id) GROUP BY i.intent_id"""
    for row in db.execute(sql):
        name = f"order {row['intent_id']}"
        if row["filled_micro"] != row["summed"]:
            yield f"O7: {name} says {row['filled_micro']} filled, its fills {row['summed']}"
        if row["filled_micro"] > row["quantity_micro"]:
            yield f"O7: {name} is filled beyond its quantity"
        # An execution may be booked before the answer to its submission is: the next life finds it.
        told = row["state"] != "submitting"
        if told and (row["state"] == "filled") != (row["summed"] == row["quantity_micro"]):
            yield f"O7: {name} is {row['state']} with {row['summed']} of {row['quantity_micro']}"


def o8_every_fill_once_and_as_it_was(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT f.fill_id, f.quantity_micro, f.price_micro, f.gross_minor, f.executed_ms,
            p.number, p.quantity_micro AS q, p.price_micro AS pr, p.gross_minor AS g,
            p.executed_ms AS e
        FROM fill f LEFT JOIN paper.fills p ON f.fill_id = printf('F%09d', p.number)"""
    for row in db.execute(sql):
        ours, theirs = tuple(row)[1:5], tuple(row)[6:]
        if ours != theirs:
            yield f"O8: fill {row['fill_id']} is {ours} in the ledger, {theirs} at the exchange"
    sql = f"""
        SELECT f.fill_id, f.intent_id FROM paper.fills p
        JOIN fill f ON f.fill_id = printf('F%09d', p.number)
        WHERE p.{FOREIGN} AND f.intent_id IS NOT NULL"""
    for row in db.execute(sql):
        yield f"O8: the foreign fill {row['fill_id']} is linked to order {row['intent_id']}"


def o9_what_ended_reserves_nothing(db: sqlite3.Connection) -> Iterator[str]:
    sql = f"""
        SELECT a.intent_id, i.state FROM drip_allocation a JOIN intent i USING (intent_id)
        WHERE a.reserved_minor > 0 AND i.state IN {TERMINAL}
            AND i.claimed_micro <= i.filled_micro"""
    for row in db.execute(sql):
        yield f"O9: order {row['intent_id']} is {row['state']} and still reserves dividends"


def o10_one_order_in_flight(db: sqlite3.Connection) -> Iterator[str]:
    flying: set[int] = set()
    for row in db.execute("SELECT * FROM order_event ORDER BY event_id"):
        if row["after"] in IN_FLIGHT:
            if row["after"] == "submitting" and flying:
                yield f"O10: order {row['intent_id']} left while {sorted(flying)} were in flight"
            flying.add(row["intent_id"])
        else:
            flying.discard(row["intent_id"])


def c1_nothing_is_ever_short(db: sqlite3.Connection) -> Iterator[str]:
    held: defaultdict[str, int] = defaultdict(int)
    sql = """
        SELECT p.key, p.delta, f.source_key FROM posting p JOIN fact f ON f.seq = p.fact_seq
        WHERE p.account = 'holding'
        ORDER BY f.happened_ms, CASE f.kind WHEN 'opening' THEN 0 WHEN 'action' THEN 1 ELSE 2 END,
            f.source_key, p.posting_id"""
    for row in db.execute(sql):
        held[row["key"]] += row["delta"]
        if held[row["key"]] < 0:
            yield f"C1: {row['key']} fell to {held[row['key']]} with {row['source_key']}"


def k5_a_dividend_is_spent_once(db: sqlite3.Connection) -> Iterator[str]:
    """What a pot gave is at most what it ever held at once, and what others repaid it.

    Not its net of now: money that is taken back after it was spent is a debt, no second spending.
    """
    sql = """
        WITH held AS (
            SELECT d.dividend_id, sum(c.minor) OVER (
                PARTITION BY d.dividend_id ORDER BY f.recorded_ms) AS net
            FROM dividend d JOIN fact f JOIN cash_flow c ON c.fact_seq = f.seq
                AND c.reference = d.action_id AND c.currency = d.currency
            WHERE c.category IN ('dividend', 'tax'))
        SELECT p.action_id, p.reserved_minor + p.reinvested_minor + p.released_minor AS given,
            p.repaid_minor + max(0, (
                SELECT coalesce(max(net), 0) FROM held h WHERE h.dividend_id = p.dividend_id
            )) AS had
        FROM pot p WHERE p.transaction_id IS NULL AND given > had"""
    for row in db.execute(sql):
        yield f"K5: dividend {row['action_id']} gave {row['given']} and had {row['had']}"


def m3_fills_keep_their_limit(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT f.fill_id FROM fill f JOIN intent i USING (intent_id)
        WHERE (f.side = 'BUY' AND f.price_micro > i.limit_micro)
            OR (f.side = 'SELL' AND f.price_micro < i.limit_micro)"""
    for row in db.execute(sql):
        yield f"M3: fill {row['fill_id']} is worse than its limit"


def o13_only_live_orders_were_sent(db: sqlite3.Connection) -> Iterator[str]:
    sql = "SELECT intent_id FROM intent WHERE client_order_id IS NOT NULL AND mode <> 'live'"
    for row in db.execute(sql):
        yield f"O13: order {row['intent_id']} was sent and is not live"


def c3_books_are_the_exchanges(db: sqlite3.Connection) -> Iterator[str]:
    """C9 as well: over all buckets, to the minor unit."""
    sql = """
        SELECT account, key, sum(books) AS books, sum(broker) AS broker FROM (
            SELECT account, key, amount AS books, 0 AS broker FROM balance
            UNION ALL SELECT 'cash', currency, 0, minor FROM paper.cash
            UNION ALL SELECT 'holding', symbol, 0, quantity_micro FROM paper.stakes)
        GROUP BY account, key HAVING sum(books) <> sum(broker)"""
    for row in db.execute(sql):
        name = f"{row['account']} {row['key']}"
        yield f"C3: {name} is {row['books']} in the books, {row['broker']} at the exchange"


def k1_postings_are_the_balances(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT bucket_id, account, key, sum(delta) AS total, (
            SELECT amount FROM balance b WHERE b.bucket_id = p.bucket_id
            AND b.account = p.account AND b.key = p.key) AS amount
        FROM posting p GROUP BY 1, 2, 3 HAVING total IS NOT amount"""
    for row in db.execute(sql):
        yield f"K1: {tuple(row)[:3]} is {row['amount']}, its postings are {row['total']}"


def o8_no_fill_is_missing(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT p.number, p.client_order_id FROM paper.fills p
        WHERE printf('F%09d', p.number) NOT IN (SELECT fill_id FROM fill)"""
    for row in db.execute(sql):
        yield f"O8: fill {row['number']} of order {row['client_order_id']} is not in the ledger"
    sql = f"""
        SELECT f.fill_id FROM fill f JOIN paper.fills p ON f.fill_id = printf('F%09d', p.number)
        WHERE f.intent_id IS NULL AND NOT p.{FOREIGN}"""
    for row in db.execute(sql):
        yield f"O8: fill {row['fill_id']} is linked to no order"


def o2_every_order_has_ended_and_is_linked(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT i.intent_id, i.state, i.broker_order_id, p.number, p.state AS shown
        FROM intent i LEFT JOIN paper.orders p USING (client_order_id)
        WHERE i.client_order_id IS NOT NULL"""
    for row in db.execute(sql):
        name, state = f"order {row['intent_id']}", row["state"]
        if row["number"] is None:
            if state not in ("rejected", "not_placed", "escalated"):
                yield f"O2: {name} is {state}, and the exchange never had it"
        elif row["broker_order_id"] != f"P{row['number']:09d}":
            yield f"O2: {name} is not linked to P{row['number']:09d}"
        elif state != row["shown"]:
            yield f"O2: {name} is {state} here and {row['shown']} at the exchange"


def k2_a_flow_is_booked_as_it_stands_now(db: sqlite3.Connection) -> Iterator[str]:
    """However often its status changed: what is completed now is booked, once, nothing else."""
    sql = """
        WITH newest AS (
            SELECT * FROM flow_version v WHERE version = (
                SELECT max(version) FROM flow_version w WHERE w.transaction_id = v.transaction_id))
        SELECT n.transaction_id, n.status, n.currency,
            CASE WHEN n.status = 'completed' THEN n.minor ELSE 0 END AS due,
            (SELECT coalesce(sum(c.minor), 0) FROM flow_fact b JOIN cash_flow c USING (fact_seq)
             WHERE b.transaction_id = n.transaction_id AND c.currency = n.currency) AS booked
        FROM newest n WHERE due <> booked"""
    for row in db.execute(sql):
        yield f"K2: flow {row['transaction_id']} is {row['status']}, {row['booked']} is booked"


def k3_every_deposit_was_divided_once(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT c.flow_id, count(a.bucket_id) AS parts, count(DISTINCT a.currency) AS currencies
        FROM cash_flow c LEFT JOIN deposit_allocation a USING (fact_seq)
        WHERE c.category = 'deposit' GROUP BY c.fact_seq HAVING parts = 0 OR currencies <> 1"""
    for row in db.execute(sql):
        yield f"K3: deposit {row['flow_id']} was divided into {row['parts']} parts"


def k4_the_parts_of_a_deposit_add_up(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT c.flow_id, c.minor, c.currency, sum(a.minor) AS parts, min(a.currency) AS unit,
            (SELECT sum(delta) FROM posting p WHERE p.fact_seq = c.fact_seq AND p.key = c.currency)
                AS posted,
            (SELECT count(*) FROM posting p WHERE p.fact_seq = c.fact_seq AND p.key <> c.currency)
                AS others
        FROM cash_flow c JOIN deposit_allocation a USING (fact_seq)
        GROUP BY c.fact_seq"""
    for row in db.execute(sql):
        whole = (row["minor"], row["currency"])
        parts, posted = (row["parts"], row["unit"]), (row["posted"], row["currency"])
        if parts != whole or posted != whole or row["others"]:
            yield f"K4: deposit {row['flow_id']} of {whole} became {parts}, posted {posted}"


def k6_drip_spends_its_pots_only(db: sqlite3.Connection) -> Iterator[str]:
    """An order in the currency of its pots costs at most what they gave, its fee included."""
    sql = """
        SELECT i.intent_id, sum(a.minor) AS given, d.currency,
            (SELECT sum(f.gross_minor) FROM fill f WHERE f.intent_id = i.intent_id) AS spent,
            (SELECT sum(e.minor) FROM fill f JOIN fill_fee e USING (fact_seq)
             WHERE f.intent_id = i.intent_id AND e.currency = d.currency) AS fees
        FROM intent i JOIN drip_allocation a USING (intent_id) JOIN dividend d USING (dividend_id)
        WHERE i.order_class = 'drip' AND i.currency = d.currency
        GROUP BY i.intent_id, d.currency
        HAVING (SELECT count(DISTINCT e.currency) FROM drip_allocation b
            JOIN dividend e USING (dividend_id) WHERE b.intent_id = i.intent_id) = 1"""
    for row in db.execute(sql):
        if (row["spent"] or 0) + (row["fees"] or 0) > row["given"]:
            yield f"K6: order {row['intent_id']} spent {row['spent']} of pots worth {row['given']}"


def k7_withdrawals_are_the_exchanges(db: sqlite3.Connection) -> Iterator[str]:
    """No fee, tax or purchase is ever taken for money that its owner moved."""
    sql = """
        SELECT c.flow_id, c.category, p.category AS theirs, c.minor, p.minor AS amount
        FROM cash_flow c LEFT JOIN paper.flows p ON c.flow_id = printf('C%09d', p.number)
        WHERE c.category IN ('deposit', 'withdrawal') AND instr(c.flow_id, ':') = 0
            AND (p.category IS NOT c.category OR p.minor IS NOT c.minor)"""
    for row in db.execute(sql):
        yield f"K7: flow {row['flow_id']} is a {row['category']}, at the exchange {row['theirs']}"


def o12_what_research_made_was_never_sent(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT i.intent_id, i.state FROM intent i WHERE i.mode = 'research'
            AND (i.client_order_id IS NOT NULL OR i.reserved_minor IS NOT NULL
                OR EXISTS (SELECT 1 FROM fill f WHERE f.intent_id = i.intent_id)
                OR i.state NOT IN ('proposed', 'refused', 'simulated'))"""
    for row in db.execute(sql):
        yield f"O12: order {row['intent_id']} of research is {row['state']}"


def c9_buckets_add_up_to_the_books(db: sqlite3.Connection) -> Iterator[str]:
    sql = """
        SELECT p.key, sum(p.delta) AS posted,
            (SELECT sum(amount) FROM balance b WHERE b.account = 'cash' AND b.key = p.key) AS held
        FROM posting p WHERE p.account = 'cash' GROUP BY p.key HAVING posted IS NOT held"""
    for row in db.execute(sql):
        name, held, posted = row["key"], row["held"], row["posted"]
        yield f"C9: the buckets hold {held} of {name}, the journal says {posted}"


ALWAYS: tuple[Check, ...] = (
    o1_one_order_per_decision,
    o5_every_order_has_its_intent,
    o6_what_was_not_placed_moved_nothing,
    o7_ledger_is_the_sum_of_fills,
    o8_every_fill_once_and_as_it_was,
    o9_what_ended_reserves_nothing,
    o10_one_order_in_flight,
    o13_only_live_orders_were_sent,
    c1_nothing_is_ever_short,
    k1_postings_are_the_balances,
    k2_a_flow_is_booked_as_it_stands_now,
    k3_every_deposit_was_divided_once,
    k4_the_parts_of_a_deposit_add_up,
    k5_a_dividend_is_spent_once,
    k6_drip_spends_its_pots_only,
    k7_withdrawals_are_the_exchanges,
    o12_what_research_made_was_never_sent,
    c9_buckets_add_up_to_the_books,
    m3_fills_keep_their_limit,
)
SETTLED: tuple[Check, ...] = (
    c3_books_are_the_exchanges,
    o8_no_fill_is_missing,
    o2_every_order_has_ended_and_is_linked,
)


def differ(ledger: Path, copy: Path) -> Iterator[str]:
    """K10: every table of the ledger is in its copy, row for row."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        db.execute("ATTACH ? AS copy", (f"file:{copy}?mode=ro",))
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            ours, theirs = (
                db.execute(f"SELECT * FROM {place}.{name}").fetchall() for place in ("main", "copy")
            )
            if ours != theirs:
                yield f"K10: {name} has {len(ours)} rows, its backup {len(theirs)}"


# What the checks above find to judge in a world's files, by invariant: a world in which there was
# nothing of the kind has not put it to the test.
FLYING = f"SELECT count(*) FROM intent WHERE state IN {IN_FLIGHT}"
_SENT = "SELECT count(*) FROM intent WHERE client_order_id IS NOT NULL"
_OWN_MONEY = "SELECT count(*) FROM cash_flow WHERE category IN ('deposit', 'withdrawal')"
SUBJECTS: dict[str, str] = {
    "O1": _SENT,
    "O2": "SELECT count(*) FROM order_event WHERE before <> 'unknown' AND after = 'unknown'",
    "O5": f"SELECT count(*) FROM paper.orders WHERE NOT {FOREIGN}",
    "O6": "SELECT count(*) FROM intent WHERE state IN ('refused', 'rejected', 'not_placed')",
    "O7": "SELECT count(DISTINCT intent_id) FROM fill",
    "O8": "SELECT count(*) FROM paper.fills",
    "O9": f"""
        SELECT count(*) FROM intent WHERE filled_micro < quantity_micro
            AND client_order_id IS NOT NULL AND state IN {TERMINAL}""",
    "O10": _SENT,
    "O11": "SELECT count(*) FROM intent WHERE source_id LIKE 'strange %'",
    "O12": "SELECT count(*) FROM intent WHERE mode = 'research'",
    "O13": "SELECT count(*) FROM audit WHERE what = 'trading_mode' AND after = 'research'",
    "C1": "SELECT count(*) FROM posting WHERE account = 'holding' AND delta < 0",
    "C3": "SELECT count(*) FROM balance",
    "C9": "SELECT count(*) FROM posting WHERE account = 'cash'",
    "M3": "SELECT count(*) FROM fill",
    "K1": "SELECT count(*) FROM posting",
    "K2": "SELECT count(*) FROM flow_version WHERE version > 1",
    "K3": "SELECT count(*) FROM cash_flow WHERE category = 'deposit'",
    "K4": "SELECT count(*) FROM cash_flow WHERE category = 'deposit'",
    "K5": "SELECT count(*) FROM drip_allocation",
    "K6": "SELECT count(DISTINCT intent_id) FROM drip_allocation JOIN fill USING (intent_id)",
    "K7": f"{_OWN_MONEY} AND instr(flow_id, ':') = 0",
    "S4": "SELECT count(*) FROM audit WHERE what LIKE 'latch %' AND after IS NOT NULL",
}


def subjects(folder: Path) -> Counter[str]:
    """How much the files of a world hold for each invariant to be true of."""
    return Counter({name: count(folder, sql) for name, sql in SUBJECTS.items()})


def refusals(folder: Path) -> Counter[str]:
    """How many orders each gate refused."""
    sql = (
        "SELECT json_extract(e.value, '$.gate'), count(*)"
        " FROM intent i, json_each(i.blocked_by) e GROUP BY 1"
    )
    return Counter({str(gate): int(times) for gate, times in rows(folder, sql)})


def journal_hash(folder: Path) -> str:
    """One hash over every fact, intent and order event, in order."""
    digest = hashlib.sha256()
    with closing(connect(folder)) as db:
        for table, key in (("fact", "seq"), ("intent", "intent_id"), ("order_event", "event_id")):
            for row in db.execute(f"SELECT * FROM {table} ORDER BY {key}"):
                digest.update(repr((table, *tuple(row))).encode())
    return digest.hexdigest()


def rows(folder: Path, sql: str, *params: object) -> list[tuple[Any, ...]]:
    """Rows out of the two files; the exchange's tables are under `paper.`."""
    with closing(connect(folder)) as db:
        return [tuple(row) for row in db.execute(sql, params)]


def count(folder: Path, sql: str, *params: object) -> int:
    """One number out of the two files."""
    return int(rows(folder, sql, *params)[0][0] or 0)
