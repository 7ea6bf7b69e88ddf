"""What a person sets: values in ``console.toml``, keys in ``keys.toml``.

`settings` is the table of values, of the `kinds` that there are; `keys` is the table of keys,
by their `key_names`.  Help, completion, errors and the documents come from these tables.

Rules of this package: it does nothing with what is set, and knows nothing of those who do.
"""
