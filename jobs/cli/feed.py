"""``cutbank feed``: how data gets into Kafka."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from feeds import host_metrics as metrics
from feeds import loudness as sound
from feeds.blocks import Block
from feeds.disturbance import parse_disturb
from feeds.microphone import microphone
from feeds.pacing import Pacer
from feeds.play import play
from feeds.records import parse_time
from feeds.replay import PARTITIONS as REPLAY_PARTITIONS
from feeds.replay import Replay
from feeds.wav import blocks as wav_blocks
from feeds.wav import read_header
from jobs.cli.feed_clicks import clicks
from jobs.cli.feed_market import exchange, quotes_file, replay
from jobs.cli.feed_media import media
from jobs.cli.feeding import Console, Records, Seconds, checked, feeding, named, played_by
from jobs.cli.output import AsJson
from jobs.errors import CutbankError, UsageError

app = typer.Typer(
    no_args_is_help=True, help="Put data into Kafka: sound, this machine's metrics, clicks, exchanges, recorded files."
)
app.command("clicks")(clicks)
app.command("exchange")(exchange)
app.command("media")(media)
app.command("quotes")(quotes_file)
app.command("replay")(replay)


@app.command("loudness")
def loudness(
    source: Annotated[str, typer.Option(help="mic, room (a synthetic room), or the path of a WAV file.")] = "room",
    device: Annotated[
        str | None, typer.Option(help="Name in the records, and their key; by default after the source.")
    ] = None,
    devices: Annotated[int, typer.Option(help="Only room: so many rooms at once, NAME-1 to NAME-N.")] = 1,
    rate: Annotated[float, typer.Option(help="Records a second, 1 to 1000.")] = sound.RATE,
    gain: Annotated[float, typer.Option(help="Factor of the volume.")] = sound.GAIN,
    speed: Annotated[
        float,
        typer.Option(help="Play so many times as fast; 0: as fast as possible. Event times keep their pace."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Only room: the same seed, the same room.")] = 1,
    start: Annotated[
        str | None, typer.Option(help="Event time of the beginning, ISO 8601 with a zone; by default now.")
    ] = None,
    seconds: Seconds = None,
    records: Records = None,
    topic: Annotated[str, typer.Option(help="Topic; what really happened goes to TOPIC-truth.")] = sound.TOPIC,
    input_name: Annotated[
        str | None, typer.Option("--input", help="Only mic: part of the microphone's name, or its number.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Loudness of sound, one record per block: {"device", "event_time", "volume"}.

    The volume is the Euclidean norm of the block's samples (-1 to 1) times the gain. A synthetic room has
    shouts at known times; they go to the topic loudness-truth. Runs until Ctrl-C, or until a WAV file ends.

    Example: cutbank feed loudness --source room --devices 3 --seconds 60
    """
    checked("--rate", rate, least=1.0)
    checked("--gain", gain, above=0.0)
    checked("--speed", speed, least=0.0)
    checked("--seconds", seconds, above=0.0)
    checked("--records", records, least=1)
    checked("--devices", devices, least=1)
    checked("--seed", seed, least=0)
    if rate > 1000:
        raise UsageError(f"--rate: expected a number from 1 to 1000, got {rate:g}")
    if source != "room" and devices != 1:
        raise UsageError(f"--devices: only with --source room, got {devices} with --source {source}")
    if source == "mic" and (start is not None or speed != 1.0):
        raise UsageError("--source mic hears what is now: it takes no --start and no --speed")
    if source != "mic" and input_name is not None:
        raise UsageError(f"--input: only with --source mic, got {input_name!r} with --source {source}")
    start_ms = None if start is None else parse_time(start, option="--start")
    console = Console(topic, as_json=as_json)
    wav = None
    if source not in ("mic", "room"):
        wav = read_header(Path(source))
        if wav.sample_rate < rate:
            raise UsageError(
                f"--rate: {source!r} has {wav.sample_rate} samples a second, got {rate:g} records a second"
            )
        if wav.frames < wav.sample_rate / rate:
            raise UsageError(f"--source: {source!r} lasts {wav.seconds:.3f} s, less than one block of {1 / rate:.3f} s")
    name = named("--device", device if device is not None else (wav.path.stem if wav is not None else source))
    topics = {topic: sound.PARTITIONS}
    if source == "room":
        topics[sound.truth_topic(topic)] = 1
    with feeding(topics) as (producer, stop):
        blocks: Iterator[tuple[str, Block]]
        if wav is not None:
            blocks = ((name, block) for block in wav_blocks(wav, rate=rate))
        elif source == "mic":
            heard = microphone(rate=rate, name=input_name, stop=stop, origin_s=time.monotonic(), warn=console.warn)
            blocks = ((name, block) for block in heard)
        else:
            blocks = sound.in_step(sound.rooms(name, count=devices, seed=seed, rate=rate))
        outgoing = sound.loudness(
            blocks,
            start_ms=start_ms if start_ms is not None else time.time_ns() // 1_000_000,
            gain=gain,
            speed=None if source == "mic" else speed,
            seconds=seconds,
            topic=topic,
        )
        played = played_by(outgoing, producer, stop, console, limit=records)
        producer.flush()
    console.summary(played, {"source": source, "acknowledged": producer.acknowledged})


@app.command("host-metrics")
def host_metrics(
    host: Annotated[
        str | None, typer.Option(help="Name in the records, and their key; by default this machine's.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Records a second, 0.01 to 100.")] = metrics.RATE,
    seconds: Seconds = None,
    records: Records = None,
    topic: Annotated[str, typer.Option(help="Topic; a disturbance goes to TOPIC-truth.")] = metrics.TOPIC,
    disturb: Annotated[
        str | None,
        typer.Option(
            metavar="AFTER,DURATION",
            help="Keep cores and disk busy once: AFTER seconds from the start, for DURATION (60 at most).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What this machine is doing: processor, load, memory, disk, network, context switches.

    Bytes and context switches are per second. A counter this system does not have is 0, which is said once.
    Runs until Ctrl-C.

    Example: cutbank feed host-metrics --seconds 90 --disturb 45,5
    """
    checked("--rate", rate, least=0.01)
    checked("--seconds", seconds, above=0.0)
    checked("--records", records, least=1)
    if rate > 100:
        raise UsageError(f"--rate: expected a number from 0.01 to 100, got {rate:g}")
    disturbance = None if disturb is None else parse_disturb(disturb)
    if disturbance is not None and seconds is not None and disturbance.after_s + disturbance.seconds > seconds:
        raise UsageError(f"--disturb: {disturb} ends after the feed, which lasts --seconds {seconds:g}")
    name = named("--host", host if host is not None else platform.node() or "localhost")
    console = Console(topic, as_json=as_json)
    topics = {topic: metrics.PARTITIONS}
    if disturbance is not None:
        topics[f"{topic}-truth"] = 1
    with feeding(topics) as (producer, stop):
        pacer = Pacer(stop.wait)
        outgoing = metrics.host_metrics(
            name,
            pacer=pacer,
            rate=rate,
            seconds=seconds,
            disturbance=disturbance,
            topic=topic,
            warn=console.warn,
        )
        try:
            played = play(outgoing, producer, pacer=pacer, stop=stop, limit=records, on_sent=console.progress)
        finally:
            cut_short = [] if disturbance is None else disturbance.end()
        for moment_ms, kind in cut_short:
            played.truths += producer.send(metrics.truth(name, moment_ms, kind, topic=topic))
        producer.flush()
    console.summary(played, {"host": name, "acknowledged": producer.acknowledged})


@app.command("file")
def file(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Recorded lines, or - for standard input.")],
    topic: Annotated[str, typer.Option(help="Where they go.")],
    rate: Annotated[float, typer.Option(help="Records a second; 0: as fast as possible.")] = 0.0,
    key: Annotated[str | None, typer.Option(metavar="COLUMN", help="This column becomes the Kafka key.")] = None,
    partition_by_hash: Annotated[
        bool,
        typer.Option(
            "--partition-by-hash",
            help="Lines without a key go to a partition by their own hash, the same at each replay.",
        ),
    ] = False,
    partition: Annotated[int | None, typer.Option(help="All lines go to this partition.")] = None,
    records: Records = None,
    as_json: AsJson = False,
) -> None:
    """Recorded lines, byte for byte, also those which are no JSON: for replays and trials.

    Lines with a key go to a partition by the hash of the key.

    Example: cutbank feed file recorded.jsonl --topic loudness --key device --rate 1000
    """
    checked("--rate", rate, least=0.0)
    checked("--records", records, least=1)
    checked("--partition", partition, least=0)
    if partition is not None and partition_by_hash:
        raise UsageError("--partition and --partition-by-hash: give one of the two")
    if path != "-" and not Path(path).is_file():
        raise UsageError(f"FILE: no file {path!r}; expected a file of lines, or - for standard input")
    console = Console(topic, as_json=as_json)
    wanted = max(REPLAY_PARTITIONS, 0 if partition is None else partition + 1)
    with feeding({topic: wanted}) as (producer, stop):
        there = producer.partitions(topic)
        if partition is not None and partition >= there:
            raise UsageError(f"--partition: topic {topic!r} has the partitions 0 to {there - 1}, got {partition}")
        how = Replay(topic, key, partition, there if partition_by_hash else None, rate)
        with _lines(path) as lines:
            played = played_by(how.records(lines), producer, stop, console, limit=records)
        producer.flush()
    if how.without_key:
        console.warn(f"{how.without_key:,} lines have no usable {key!r}; they went without a key")
    console.summary(played, {"file": path, "without_key": how.without_key, "acknowledged": producer.acknowledged})


@contextmanager
def _lines(path: str) -> Iterator[Iterable[bytes]]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as opened:
            yield opened
    except OSError as error:
        raise CutbankError(f"{path!r} cannot be read: {error.strerror}") from error
