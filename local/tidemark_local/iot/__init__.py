"""Rules of AWS IoT: whom they may call, and what becomes of a message that reaches nobody."""
