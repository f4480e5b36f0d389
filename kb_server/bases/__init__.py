"""Knowledge bases: opened, pooled, tagged, snapshotted, migrated, exported."""
