"""Advice that several checks give, said once."""

from medview.core.words import say

SEND_AGAIN = say("Send the file again from the scanner or the archive; what is lost is lost here.")
TELL_MAKER = say("Report it to the maker of the system that wrote the file.")
SAVE_COPY = say("Save a repaired copy, or have the sending system write the file anew.")
FIX_AT_SOURCE = say("Have it corrected at the scanner or in the archive, and send it again.")
CHECK_SENDER = say(
    "Compare with the scanner's own display before anything is measured or reported."
)
OTHERS_REFUSE = say("MedView reads it; many other programs refuse the file.")
OTHERS_MISREAD = say("Programs that trust the header read something else, or refuse the file.")
NO_EFFECT = say("Nothing is shown wrong; strict programs may complain.")
LOST = say("Part of the file is missing; pictures or values may be incomplete.")
WRONG_LENGTHS = say("Lengths in millimetres, planes and volumes may be wrong.")
WRONG_PICTURE = say("The picture may be shown wrong or not at all.")
WRONG_PERSON = say("Pictures of two people or two examinations may be mixed up.")
