"""The words of the phone's app, which JavaScript puts in their places; %s stands for what it fills in."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def app_texts() -> dict[str, str]:
    """Return the texts of static/js/phone/ in the language of the request."""
    return {
        "myList": _("My list"),
        "back": pgettext("navigation", "Back"),
        "standard": _("What counts as a visit"),
        "nothingYet": _("Your list has not been loaded yet"),
        "nothingYetHint": _("Open this page once with a network connection; from then on it works without."),
        "search": _("Search my households"),
        "searchHint": _("Name, initials, door, end of phone number"),
        "which": _("Which households"),
        "ofMet": _(" of %s households met"),
        "view_todo": _("to visit"),
        "view_due": _("make-up due now"),
        "view_met": _("met"),
        "view_all": _("all"),
        "view_paired": _("paired"),
        "none_todo": _("Nobody left to visit"),
        "none_due": _("No make-up visit is due today"),
        "none_met": _("Nothing here yet"),
        "none_all": _("No household is assigned to you yet"),
        "none_paired": _("Nothing here yet"),
        "none_search": _("No household found"),
        "more": _("Show more households"),
        "monthDay": _("%s-%s"),
        "wish": _("asked not to be visited"),
        "wishWhy": _(
            "This household asked not to be visited: %s. If they themselves asked you to come, have the village or "
            "township take the mark off first."
        ),
        "state_met": pgettext("household", "met"),
        "makeUpWas": _("make-up visit was due on %s"),
        "makeUpToday": _("make-up visit due today"),
        "makeUpBy": _("make-up visit by %s"),
        "bestTime": _("best time: %s"),
        "waitingHere": _("not sent yet"),
        "refusedHere": _("refused: to be put right"),
        "waitingLong": _("Your visit is kept on this phone and will be sent as soon as there is a signal."),
        "refusedLong": _("The server refused your visit; what to do stands in"),
        "call": _("Call %s"),
        "appointment": _("Appointment: %s"),
        "ownVisit": _("My visit of %s: %s"),
        "household": _("The household"),
        "people": _("%s people in the household"),
        "askSurvey": _("Ask the survey: %s"),
        "save": _("Save the visit"),
        "restored": _("What you wrote before is here again."),
        "otherTab": _("This visit is being written in another tab or window: finish it there."),
        "outcome": _("First choose what came of the visit."),
        "problem": _("Say whether there was a problem."),
        "problemKind": _("Choose what kind of problem it is."),
        "problemText": _("Write one line about what was said."),
        "moreExactly": _("%s: more exactly"),
        "full": _("This phone's storage is full: free some space, then save again. Do not close this page."),
        "notKept": _("This phone could not keep the visit. Write it on paper, or try again; do not close this page."),
        "surveyKept": _("The answers are kept on this phone and will be sent as soon as there is a signal."),
        "backToVisit": _("Back to the visit"),
        "followUp": _("They asked for a visit by %s: %s"),
        "outbox": _("Outbox"),
        "waitingCount": _("%s entries not sent yet"),
        "allSent": _("Everything has been sent"),
        "lastSync": _("Last contact with the server: %s"),
        "neverSynced": _("There has been no contact with the server yet."),
        "outboxEmpty": _("Nothing is waiting"),
        "sendNow": _("Send now"),
        "saveFile": _("Save as a file"),
        "saveFileHint": _(
            "Where this phone cannot send at all: save the file and give it to your township's administrator, who can "
            "hand it in. It holds residents' data: do not pass it on to anybody else."
        ),
        "fileName": _("waiting-visits"),
        "kindVisit": _("A visit"),
        "kindAnswers": _("Answers to a survey"),
        "stateWaiting": _("waiting to be sent"),
        "stateRefused": _("refused by the server"),
        "stateSent": _("arrived %s"),
        "mend": _("Put right"),
        "again": _("Send again"),
        "drop": _("Discard"),
        "dropSure": _("Discard this entry for good? It has not been stored anywhere else."),
        "loginAgain": _("You have been logged out. Everything is kept on this phone and is sent after you log in."),
        "login": _("Log in"),
        "wiped": _(
            "This phone has been without contact for two weeks, so the list was removed from it. It comes back with "
            "the next connection; what you wrote is still here."
        ),
        "longSince": _("No contact with the server for %s days, and %s entries are waiting: find a network soon."),
        "risky": _(
            "Entries are waiting, and this browser may clear its storage by itself when space is short. Add this page "
            "to the home screen, or save a copy."
        ),
        "nearlyFull": _("This phone's storage is nearly full: delete some pictures or videos."),
        "noWorker": _(
            "This browser cannot open the page without a network (for example inside WeChat on an iPhone). What you "
            "save here is kept. To open it offline, choose “open in browser” in the menu."
        ),
        "otherPerson": _("Somebody else has %s entries waiting on this phone. They are sent when that person logs in."),
        "syncDone": _("up to date"),
        "syncOffline": _("working without a network"),
        "syncSending": _("sending …"),
        "syncWaiting": _("%s waiting"),
        "syncRefused": _("%s refused"),
        "syncLogin": _("please log in"),
    }


def wish_texts() -> dict[str, str]:
    """Return the texts of static/js/survey-wish.js."""
    return {
        "title": _("Would they like something done about it?"),
        "hint": _(
            "One of the answers was not content. Ask: “Would you like us to write this down as an issue, or to have "
            "somebody come by?” Nobody has to."
        ),
        "anonymous": _("The answers themselves stay anonymous."),
        "consent": _("Yes, they agreed to have it written down, with their household"),
        "kind": _("What is to be done"),
        "choose": _("Choose"),
        "visit": _("Have somebody come by"),
        "text": _("In their own words, told anew: what would they like?"),
        "record": _("Send, and write this down"),
        "without": _("Send the answers only"),
        "needConsent": _("Without the respondent's consent nothing is written down."),
        "needKind": _("Choose what kind of problem it is."),
        "needText": _("Write in one or two sentences what they would like: at most 500 characters."),
        "sending": _("Sending …"),
    }
