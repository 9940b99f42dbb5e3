"""What every answer, page and report of mmskin says of itself."""

NOT_A_DIAGNOSIS = "An aid for research, not a diagnosis. It cannot replace an examination by a physician."
