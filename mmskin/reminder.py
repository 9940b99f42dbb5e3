"""What every answer, page and report of mmskin says of itself."""

NOT_A_DIAGNOSIS = (
    "A research prototype, not a medical device: an aid, not a diagnosis. It cannot replace an examination by a "
    "physician."
)
