"""The options that the benches share."""

import click

haproxy_option = click.option(
    "--haproxy", default="haproxy", show_default=True, help="The binary; the bundled one where it is missing."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def sizes(text: str) -> list[int]:
    """`10,1000` as numbers. BadParameter where it is something else."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise click.BadParameter(f"expected numbers from 1 separated by commas, got {text}")
    return found
