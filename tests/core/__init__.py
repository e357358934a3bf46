"""The engine alone: no transport, no dialect but where a comparison needs one."""
