"""What a run over many touchpoints came to, for a person at a terminal: visits, messages, experiments, voices, dirt."""

from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType
from rich.table import Table as RichTable

from personalake.config import Settings
from personalake.lake import Ledger
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.pipelines.tour import arrived, decided, table_of
from personalake.reports.words import number
from personalake.tables import Table, silver, touchpoints


def tour_touchpoints(ledger: Ledger, settings: Settings) -> Iterator[RenderableType]:
    """One table after the other; one that would be empty is left out."""
    for drawn in (
        arrived(ledger),
        _dirt(ledger, settings),
        _visits(ledger),
        _messages(ledger),
        _experiments(ledger),
        _voices(ledger),
        _consents(ledger),
        decided(ledger),
    ):
        if drawn.row_count:
            yield drawn


def _visits(ledger: Ledger) -> RichTable:
    drawn = table_of(
        "What people did on the web and in the app", "Channel", "visits", "searches", "carts", "abandoned", "orders"
    )
    steps = _frame(ledger, touchpoints.INTERACTION, "channel", "session_id", "interaction_type")
    visits = steps.pivot_table(index=["channel", "session_id"], columns="interaction_type", aggfunc="size", fill_value=0)
    for name in ("search", "cart", "purchase"):
        visits[name] = visits[name] > 0 if name in visits else False
    for channel, of_channel in visits.groupby("channel"):
        carts, orders = of_channel["cart"].sum(), of_channel["purchase"].sum()
        abandoned = (of_channel["cart"] & ~of_channel["purchase"]).sum() / max(carts, 1)
        drawn.add_row(
            str(channel), number(len(of_channel)), number(of_channel["search"].sum()), number(carts), f"{abandoned:.0%}",
            number(orders),
        )  # fmt: skip
    return drawn


def _messages(ledger: Ledger) -> RichTable:
    drawn = table_of("What was sent by e-mail, and what it cost", "Campaign", "sent", "bounced", "opened", "clicked", "cost")
    events = _frame(ledger, touchpoints.EMAIL_ENGAGEMENT, "campaign_id", "engagement_type")
    spend = _frame(ledger, touchpoints.CAMPAIGN_SPEND, "campaign_id", "amount", "currency")
    for frame in (events, spend):
        # One line for all issues of a newsletter.
        frame["campaign"] = frame["campaign_id"].str.replace(r"-\d+$", "", regex=True)
    costs = spend.groupby(["campaign", "currency"])["amount"].sum().reset_index().set_index("campaign")
    for campaign, of_campaign in events.groupby("campaign"):
        counts = of_campaign["engagement_type"].value_counts()
        reached = counts.get("sent", 0)
        rates = (f"{counts.get(name, 0) / max(reached, 1):.1%}" for name in ("bounced", "opened", "clicked"))
        cost = costs.loc[[campaign]] if campaign in costs.index else costs[:0]
        told = ", ".join(f"{row.amount:,.0f} {row.currency}" for row in cost.itertuples())
        drawn.add_row(str(campaign), number(reached), *rates, told or "–")
    return drawn


def _experiments(ledger: Ledger) -> RichTable:
    drawn = table_of("Who saw which variant", "Experiment", "Device", "visitors", "variants")
    seen = _frame(ledger, touchpoints.EXPERIMENT_EXPOSURE, "experiment_id", "variant", "device_type", "cookie_id")
    visitors = seen.drop_duplicates(["experiment_id", "variant", "device_type", "cookie_id"])
    for (experiment, device), of_device in visitors.groupby(["experiment_id", "device_type"]):
        shares = of_device["variant"].value_counts(normalize=True).sort_index()
        told = ", ".join(f"{variant} {share:.0%}" for variant, share in shares.items())
        drawn.add_row(str(experiment), str(device), number(len(of_device)), told)
    return drawn


def _voices(ledger: Ledger) -> RichTable:
    drawn = table_of("What people say", "Where", "voices", "people known", "mean")
    tickets = _frame(ledger, touchpoints.SUPPORT_TICKET, "customer_id", "rating")
    answers = _frame(ledger, touchpoints.SURVEY_ANSWER, "customer_id", "score")
    mentions = _frame(ledger, touchpoints.SOCIAL_MENTION, "customer_id", "is_consented")
    for name, frame, mean, unit in (
        ("help desk", tickets, tickets["rating"].mean(), "of 5"),
        ("would recommend", answers, answers["score"].mean(), "of 10"),
        ("social networks", mentions, mentions["is_consented"].mean() * 100, "% may be used"),
    ):
        if len(frame):
            drawn.add_row(name, number(len(frame)), number(frame["customer_id"].nunique()), f"{mean:.1f} {unit}")
    return drawn


def _consents(ledger: Ledger) -> RichTable:
    drawn = table_of("What may be done", "Purpose", "granted", "denied", "withdrawn")
    current = _frame(ledger, silver.CONSENT_CURRENT, "purpose", "status")
    for purpose, of_purpose in current.groupby("purpose"):
        counts = of_purpose["status"].value_counts()
        drawn.add_row(str(purpose), *(number(counts.get(status, 0)) for status in ("granted", "denied", "withdrawn")))
    return drawn


def _dirt(ledger: Ledger, settings: Settings) -> RichTable:
    drawn = table_of("Dirt that was planted, and found by id", "Source", "Kind", "Expected", "planted", "found")
    for row in arrivals_of(settings, ledger).planted or ():
        found = f"{row['found']:,}" if row["found"] == row["planted"] else f"[red]{row['found']:,}[/]"
        drawn.add_row(row["source"], row["kind"], row["expected"], f"{row['planted']:,}", found)
    return drawn


def _frame(ledger: Ledger, table: Table, *columns: str) -> pd.DataFrame:
    frame: pd.DataFrame = ledger.arrow(table, columns).to_pandas()
    return frame
