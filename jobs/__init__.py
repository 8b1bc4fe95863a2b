"""What runs on the client: command line, settings, reading and expanding SQL, submitting, the local stack."""
