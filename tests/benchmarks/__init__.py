"""Our executor and the amazon provider's, through the same scenarios in the same run; see ``make bench``."""
