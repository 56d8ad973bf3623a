"""The arbiter: everything that was asked becomes one offered current. Limits only lower.

`sources` holds what was asked and tells who asked for what, `decide` combines it (pure), `offer` adds what
needs memory (slew, resume hold), `failsafe` is the LPC state machine. LPC, OPEV, ECHONET Lite and the
installation all are sources here; none of them touches the pilot.
"""
