"""What every answer, page and report of mmskin says of itself."""

NOT_A_DIAGNOSIS = "A research prototype, not a medical device, and not a diagnosis. It cannot replace a physician."
