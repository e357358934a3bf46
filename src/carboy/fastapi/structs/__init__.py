"""msgspec Structs and attrs classes as models.

kinds.py says what they are, codec.py reads and writes them, trust.py keeps answers to what was
declared, errors.py says what is wrong, schema.py describes them, parameters.py takes them apart for
queries and forms, field.py is the ModelField of all that. msgspec does the work: it is imported by
codec.py and what stands on it, which is loaded where an application uses such a class.
"""
