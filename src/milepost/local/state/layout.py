"""The tables of the state. A change of them is a new number and a conversion from the old one.

An app or a group is so from version `since` on, and until version `until` if that came. So what was there at any
version is what had begun by then and had not ended. Versions are times, which sort as text.
"""

APPLICATION = 0x4D504C53  # "MPLS": in the header of the file, so that nobody's database is taken for ours
SCHEMA = 1

LAYOUT = (
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
    "CREATE TABLE identity (framework_id TEXT NOT NULL)",
    "CREATE TABLE version (id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE app (id TEXT, since TEXT, until TEXT, definition TEXT NOT NULL, PRIMARY KEY (id, since))",
    "CREATE TABLE app_group (id TEXT, since TEXT, until TEXT, dependencies TEXT NOT NULL, PRIMARY KEY (id, since))",
    "CREATE TABLE deployment (id TEXT PRIMARY KEY, original TEXT NOT NULL, plan TEXT NOT NULL)",
    "CREATE TABLE setback (app_id TEXT PRIMARY KEY, setback TEXT NOT NULL)",
)
