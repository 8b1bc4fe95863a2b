"""``cutbank feed exchange``, ``quotes`` and ``replay``: market data into Kafka, and a fake exchange."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from feeds.exchanges import VENUES, venue_named
from feeds.exchanges.collecting import collect
from feeds.exchanges.counts import Counts
from feeds.exchanges.fake import FakeExchange
from feeds.exchanges.faults import Script, read_script
from feeds.exchanges.inbox import MAX_FRAMES, Inbox
from feeds.exchanges.intake import BORROW_S
from feeds.exchanges.quotes_csv import Pair, quotes, read_rows
from feeds.exchanges.recording import Frame, read_recording
from feeds.exchanges.values import topics_named
from feeds.pacing import Pacer, Stop, stop_on_signals
from feeds.play import play
from jobs.cli.feeding import checked, feeding
from jobs.cli.output import AsJson, print_json
from jobs.errors import UsageError
from jobs.settings import load_settings

Prefix = Annotated[str, typer.Option(help="Topics: PREFIX-trades, -quotes, -frames-rejects, -links.")]


def exchange(
    venue: Annotated[str, typer.Option(help=f"One of {', '.join(sorted(VENUES))}.")],
    symbols: Annotated[str, typer.Option(help="As the venue writes them, with commas: BTCUSDT,ETHUSDT.")],
    url: Annotated[str | None, typer.Option(help="Another address than that of the settings.")] = None,
    seconds: Annotated[float | None, typer.Option(help="End after so many seconds.")] = None,
    records: Annotated[int | None, typer.Option(help="End after at least so many trades and quotes.")] = None,
    queue: Annotated[int, typer.Option(help="Frames that may wait for Kafka; more are dropped and counted.")] = (
        MAX_FRAMES
    ),
    borrow: Annotated[
        float, typer.Option(help="Seconds for which the last exchange time dates quotes that have none.")
    ] = BORROW_S,
    give_up_after: Annotated[
        float | None, typer.Option(help="Seconds without data after which the command fails; by default never.")
    ] = None,
    prefix: Prefix = "market",
    as_json: AsJson = False,
) -> None:
    """Trades and best quotes of an exchange, live, until Ctrl-C.

    Connections that end are dialled again, with growing waits; duplicates are left out, gaps reported, frames
    that cannot be read go to PREFIX-frames-rejects, and what happens to connections to PREFIX-links. Ends with
    1 when the exchange refuses for good.

    Example: cutbank feed exchange --venue binance --symbols BTCUSDT,ETHUSDT
    """
    checked("--seconds", seconds, above=0.0)
    checked("--records", records, least=1)
    checked("--queue", queue, least=1)
    checked("--borrow", borrow, least=0.0)
    checked("--give-up-after", give_up_after, above=0.0)
    found = venue_named(venue)
    names = _symbols(symbols)
    found.subscription("", names)  # refuses what the venue cannot serve, before anything runs
    address = url if url is not None else getattr(load_settings(), found.url_setting)
    if not address.startswith(("ws://", "wss://")):
        raise UsageError(f"--url: expected an address that begins with ws:// or wss://, got {address!r}")
    topics = topics_named(_prefix(prefix))
    counts = Counts()
    started_s = time.monotonic()
    with feeding(topics.partitions()) as (producer, stop):

        def enough(counts: Counts) -> bool:
            return (
                stop.requested
                or (seconds is not None and time.monotonic() - started_s >= seconds)
                or (records is not None and counts.trades + counts.quotes >= records)
            )

        asyncio.run(
            collect(
                found,
                address.rstrip("/"),
                names,
                producer,
                counts,
                enough=enough,
                tell=lambda sentence: typer.echo(f"feed {sentence}", err=True),
                inbox=Inbox(queue),
                borrow_s=borrow,
                give_up_after_s=give_up_after,
                topics=topics,
            )
        )
        producer.flush()
        acknowledged = producer.acknowledged
    took_s = time.monotonic() - started_s
    if as_json:
        summary = {"venue": found.name, "symbols": names, "seconds": round(took_s, 3), "acknowledged": acknowledged}
        print_json(summary | counts.as_json())
        return
    lost = f", {counts.dropped:,} dropped" if counts.dropped else ""
    typer.echo(
        f"{found.name}: {counts.frames:,} frames, {counts.trades:,} trades, {counts.quotes:,} quotes in "
        f"{took_s:.1f} s; {counts.duplicates:,} duplicates, {counts.stale:,} stale, {counts.missing:,} missing, "
        f"{counts.rejects.total():,} rejected{lost}; {counts.connections} connections"
    )


def quotes_file(
    path: Annotated[str, typer.Argument(metavar="FILE", help="CSV, gzip or not, with a header.")],
    symbol: Annotated[str | None, typer.Option(help="What the quotes are about, such as LINKUSDT.")] = None,
    base: Annotated[str | None, typer.Option(help="Its base currency, such as LINK.")] = None,
    quote: Annotated[str | None, typer.Option(help="Its quote currency, such as USDT.")] = None,
    speed: Annotated[float, typer.Option(help="Play so many times as fast; 0: as fast as possible.")] = 1.0,
    records: Annotated[int | None, typer.Option(help="End after so many quotes.")] = None,
    prefix: Prefix = "market",
    as_json: AsJson = False,
) -> None:
    """Best quotes of several venues out of a CSV file: ts, exchange, bid, bid_qty, ask, ask_qty.

    Event times are those of the file. Symbol, base and quote may also be columns. Rows that cannot be read go
    to PREFIX-frames-rejects.

    Example: cutbank feed quotes link.csv.gz --symbol LINKUSDT --base LINK --quote USDT --speed 60
    """
    checked("--speed", speed, least=0.0)
    checked("--records", records, least=1)
    if symbol is None and (base is not None or quote is not None):
        raise UsageError("--base and --quote belong to --symbol, which is not given")
    source = Path(path)
    rows = read_rows(source)
    pair = None if symbol is None else Pair(symbol, base, quote)
    topics = topics_named(_prefix(prefix))
    needed = {name: count for name, count in topics.partitions().items() if name in (topics.quotes, topics.rejects)}
    with feeding(needed) as (producer, stop):
        outgoing = quotes(rows, source=source.name, pair=pair, wall_ns=time.time_ns, speed=speed, topics=topics)
        played = play(outgoing, producer, pacer=Pacer(stop.wait), stop=stop, limit=records)
        producer.flush()
        acknowledged = producer.acknowledged
    if as_json:
        print_json(
            {
                "file": path,
                "records": played.records,
                "rejects": played.truths,
                "seconds": round(played.seconds, 3),
                "interrupted": played.interrupted,
                "acknowledged": acknowledged,
            }
        )
        return
    typer.echo(f"{topics.quotes}: {played.records:,} quotes, {played.truths:,} rejected in {played.seconds:.1f} s")


def replay(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Recorded frames, JSON lines, gzip or not.")],
    speed: Annotated[float, typer.Option(help="Play so many times as fast; 0: as fast as clients read.")] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the first venue, the others follow; 0: any that are free.")] = 0,
    faults: Annotated[str | None, typer.Option(help="A TOML file of faults: see docs/market.md.")] = None,
    venue: Annotated[str | None, typer.Option(help="Take the frames for this venue's, whatever they say.")] = None,
    linger: Annotated[float, typer.Option(help="Seconds the exchanges stay after the last frame.")] = 1.0,
    together: Annotated[
        bool, typer.Option("--together", help="Begin when somebody has subscribed at every venue, all at once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fake exchanges on this machine: recorded frames over web sockets, each venue in its own dialect.

    The addresses are printed at once; frames begin when somebody has subscribed. Ends after the last one.

    Example: cutbank feed replay recorded.jsonl.gz --speed 10 --port 9400
    """
    checked("--speed", speed, least=0.0)
    checked("--linger", linger, least=0.0)
    if port and not 1024 <= port <= 65_000:
        raise UsageError(f"--port: expected 0 or a port from 1024 to 65000, got {port}")
    script = read_script(Path(faults)) if faults is not None else Script({}, [])
    frames: dict[str, list[Frame]] = {}
    only = None if venue is None else venue_named(venue).name
    for recorded, frame in read_recording(Path(path)):
        frames.setdefault(only or recorded, []).append(frame)
    if unknown := [name for name in frames if name not in VENUES]:
        raise UsageError(
            f"{path!r} has frames of {', '.join(sorted(unknown))}, whose dialect is not known; "
            "name one that is with --venue"
        )
    if not frames:
        raise UsageError(f"{path!r} has no frames")
    with stop_on_signals() as stop:
        tallies = asyncio.run(
            _replay(frames, script, speed=speed, port=port, linger_s=linger, stop=stop, together=together)
        )
    totals: Counter[str] = Counter()
    for tally in tallies.values():
        totals.update({name: count for name, count in tally.items() if isinstance(count, int)})
    if as_json:
        print_json({"file": path, "venues": tallies, "interrupted": stop.requested} | dict(totals))
        return
    typer.echo(f"replay: {totals['sent']:,} frames sent, {totals['repeated']:,} again, {totals['broken']:,} damaged")


async def _replay(
    frames: dict[str, list[Frame]],
    script: Script,
    *,
    speed: float,
    port: int,
    linger_s: float,
    stop: Stop,
    together: bool,
) -> dict[str, dict[str, object]]:
    async with AsyncExitStack() as stack:
        fakes: dict[str, FakeExchange] = {}
        meeting = asyncio.Barrier(len(frames)) if together else None
        for number, name in enumerate(sorted(frames)):
            fake = FakeExchange(
                name,
                frames[name],
                faults=script.of(name),
                dials=script.dials,
                speed=speed,
                port=port + number if port else 0,
                together=meeting,
            )
            fakes[name] = await stack.enter_async_context(fake)
            typer.echo(f"{name} {fakes[name].url}", err=True)
        over = asyncio.ensure_future(asyncio.gather(*(fake.join() for fake in fakes.values())))
        while not over.done() and not stop.requested:
            await asyncio.wait([over], timeout=0.1)
        if over.done():
            over.result()
            await asyncio.sleep(linger_s)
        over.cancel()
        return {
            name: {
                "url": fake.url,
                "sent": fake.tally.sent,
                "repeated": fake.tally.repeated,
                "broken": fake.tally.broken,
                "unwanted": fake.tally.unwanted,
                "skipped": fake.tally.skipped,
                "dials": fake.tally.dials,
                "connections": fake.tally.connections,
            }
            for name, fake in fakes.items()
        }


def _symbols(value: str) -> list[str]:
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise UsageError(f"--symbols: expected names with commas between them, got {value!r}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"--symbols: {', '.join(twice)} is named more than once")
    return names


def _prefix(value: str) -> str:
    if not value or not all(letter.isalnum() or letter in "-._" for letter in value):
        raise UsageError(f"--prefix: expected letters, digits, dots, hyphens and underscores, got {value!r}")
    return value
