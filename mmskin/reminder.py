"""What every answer, page and report of mmskin says of itself."""

from mmskin.sentence import Sentence

NOT_A_DIAGNOSIS = Sentence(
    "A research prototype, not a medical device, and not a diagnosis. It cannot replace a physician."
)
