"""A ledger for others: tiles, a read-only view of them over HTTP, witnesses."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sealcore import ledger as ledgers
from sealcore import tlog
from sealcore.audit import export_parquet
from sealcore.cli.basics import load_key, load_signer
from sealcore.cli.common import (
    any_path,
    emit,
    existing_file,
    json_option,
    password_options,
    progress,
    read_text,
    write_new,
)
from sealcore.cli.ledger_entries import signer_option
from sealcore.cli.ledgers import ledger_argument, read_policy
from sealcore.tlog import http

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
port_option = click.option(
    "--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0: a free one."
)
threads_option = click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True)


@click.command("export")
@ledger_argument
@click.option("--tlog-tiles", "target", type=any_path, help="The directory to write.")
@click.option("--parquet", type=any_path, help="A Parquet file of every entry, decoded, for analysts.")
@click.option(
    "--checkpoint", type=existing_file, help="The newest checkpoint with cosignatures, from `ledger witness`."
)
@json_option
def ledger_export(
    directory: Path, target: Path | None, parquet: Path | None, checkpoint: Path | None, as_json: bool
) -> None:
    """Write the ledger in DIRECTORY as static C2SP tlog-tiles, which any web server can serve, or as a Parquet file.

    Tiles: run again it adds what is new. Their checkpoint satisfies C2SP tools if the ledger has an Ed25519 signer.
    Parquet: a row for each entry with its bytes, and the roots of the segments in the metadata; the file is replaced.

    \b
    Example:
      sealcore ledger export office/ledger --tlog-tiles ./public
      sealcore ledger export office/ledger --parquet entries.parquet
    """
    if (target is None) == (parquet is None):
        raise click.UsageError("give one of --tlog-tiles and --parquet")
    if parquet is not None:
        if checkpoint is not None:
            raise click.UsageError("--checkpoint is for --tlog-tiles")
        with progress("exporting", quiet=as_json) as step:
            rows = export_parquet(directory, parquet, progress=step)
        values = {"file": str(parquet), "rows": rows, "bytes": parquet.stat().st_size}
        emit(values, as_json=as_json, text=f"{parquet}: {rows} entries, {values['bytes']:,} bytes")
        return
    assert target is not None
    note = None if checkpoint is None else read_text(checkpoint, "checkpoint")
    with progress("exporting", quiet=as_json) as step:
        done = tlog.export_tiles(directory, target, checkpoint=note, progress=step)
    emit(
        {"directory": str(target), **asdict(done)},
        as_json=as_json,
        text=f"{target}: {done.size} entries; {done.written} files written, {done.bytes:,} bytes, {done.kept} kept",
    )


@click.command("serve")
@ledger_argument
@host_option
@port_option
@threads_option
@click.option(
    "--checkpoint", type=existing_file, help="Serve this note, such as the cosigned one; read for each request."
)
def ledger_serve(directory: Path, host: str, port: int, threads: int, checkpoint: Path | None) -> None:
    """Serve the ledger in DIRECTORY read-only over HTTP as C2SP tlog-tiles, while a writer appends. Ends with Ctrl-C.

    Plain HTTP: put a proxy with TLS in front of it for the world.

    \b
    Example:
      sealcore ledger serve office/ledger --port 8080
    """
    http.serve(
        tlog.tiles_application(directory, published=checkpoint),
        host=host,
        port=port,
        threads=threads,
        ready=lambda url: click.echo(f"serving {directory} at {url}", err=True),
    )


@click.command("witness")
@ledger_argument
@click.option("--policy", type=existing_file, required=True, help="Witnesses with their URLs (C2SP tlog-policy).")
@click.option("-o", "--output", type=any_path, help="Where the cosigned checkpoint goes; replaced if it is there.")
@click.option(
    "--anchor", type=existing_file, help="The ledger's private key: keep the cosignatures in an ANCHOR entry."
)
@signer_option
@click.option(
    "--timeout", type=click.FloatRange(0.1, 600), default=10.0, show_default=True, help="Seconds for an answer."
)
@password_options
@json_option
def ledger_witness(
    directory: Path,
    policy: Path,
    output: Path | None,
    anchor: Path | None,
    signer_files: tuple[Path, ...],
    timeout: float,
    password_file: Path | None,
    as_json: bool,
) -> int:
    """Have the newest checkpoint cosigned by witnesses (C2SP tlog-witness). Exit code 1 if they are no quorum.

    A witness vouches that the ledger only grew since it first saw it. The cosigned checkpoint serves `ledger verify`,
    `prove`, `export` and `serve`.

    \b
    Example:
      sealcore ledger witness office/ledger --policy witnesses.txt -o cosigned.txt
    """
    reader = ledgers.LedgerReader.open(directory)
    cosigned = tlog.collect_cosignatures(directory, read_policy(policy), timeout=timeout)
    if output is not None and cosigned.cosignatures:
        write_new(output, cosigned.checkpoint.encode(), force=True)
    entry = None
    if anchor is not None and cosigned.cosignatures:
        checkpoint = ledgers.Checkpoint.read_unverified(cosigned.checkpoint)
        signers = [load_signer(reader.origin, file, password_file) for file in signer_files]
        with ledgers.Ledger.open(directory, ledger_key=load_key(anchor, password_file), signers=signers) as ledger:
            body = ledgers.anchor_body(
                checkpoint.size,
                checkpoint.root,
                form="cosignature",
                token=cosigned.cosignatures.encode(),
                ledger_id=ledger.id,
            )
            entry = ledger.append(ledger.sign(body, type="anchor")).index
    lines = [
        f"{directory}: {'a quorum' if cosigned.quorum else 'NO QUORUM'} of witnesses at {reader.size} entries",
        *(f"  {a.name}: {'cosigned' if a.cosigned else a.reason}" for a in cosigned.answers),
    ]
    lines += [f"  kept in ledger entry {entry}"] if entry is not None else []
    value = {"ok": cosigned.quorum, "answers": [asdict(a) for a in cosigned.answers], "anchor": entry}
    emit({**value, "checkpoint": cosigned.checkpoint}, as_json=as_json, text="\n".join(lines))
    return 0 if cosigned.quorum else 1


@click.command("serve-witness")
@click.option("--state", type=any_path, required=True, help="What the witness remembers (SQLite). Never put it back.")
@click.option("--name", required=True, help="The name of the witness, for example witness.example.com/w1.")
@click.option("--key", type=existing_file, required=True, help="Its Ed25519 private key.")
@click.option(
    "--logs", type=existing_file, required=True, help="The logs that it follows: `log VKEY` lines (tlog-policy)."
)
@host_option
@port_option
@threads_option
@password_options
def ledger_serve_witness(
    state: Path,
    name: str,
    key: Path,
    logs: Path,
    host: str,
    port: int,
    threads: int,
    password_file: Path | None,
) -> None:
    """Be a witness (C2SP tlog-witness) for the ledgers of others. Ends with Ctrl-C.

    \b
    Example:
      sealcore key generate --algorithm ed25519 -o witness.key
      sealcore ledger serve-witness --state seen.db --name witness.example/w1 --key witness.key --logs logs.txt
    """
    signer = load_signer(name, key, password_file, witness=True)
    witness = tlog.Witness(state, signer, read_policy(logs).logs)
    click.echo(f"witness {signer.key.vkey}", err=True)
    http.serve(
        tlog.witness_application(witness),
        host=host,
        port=port,
        threads=threads,
        ready=lambda url: click.echo(f"listening at {url}", err=True),
    )


COMMANDS = [ledger_export, ledger_serve, ledger_witness, ledger_serve_witness]
