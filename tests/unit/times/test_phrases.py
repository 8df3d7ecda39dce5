"""Times as people say them, in English, German and Spanish, seen from Wednesday, 25 November 2026, 10:05 in Berlin."""

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hub.errors import BadRequest
from hub.flow.whens import read
from hub.times.phrases import find

NOW = datetime(2026, 11, 25, 10, 5, tzinfo=ZoneInfo("Europe/Berlin"))

ENGLISH = [
    # Once
    ("in 20 minutes check the oven", "in 20m", "check the oven"),
    ("in 20m check the oven", "in 20m", "check the oven"),
    ("in twenty minutes check the oven", "in 20m", "check the oven"),
    ("in half an hour call Ann", "in 30m", "call Ann"),
    ("in a quarter of an hour call Ann", "in 15m", "call Ann"),
    ("in an hour and a half call Ann", "in 90m", "call Ann"),
    ("in 1.5 hours call Ann", "in 90m", "call Ann"),
    ("in 1h 30m call Ann", "in 90m", "call Ann"),
    ("in 2 hours 15 minutes call Ann", "in 135m", "call Ann"),
    ("in a couple of hours call Ann", "in 2h", "call Ann"),
    ("two hours from now call Ann", "in 2h", "call Ann"),
    ("in 3 days water the plants", "in 3d", "water the plants"),
    ("in a week water the plants", "in 7d", "water the plants"),
    ("in 2 days at 8 vote", "2026-11-27 08:00", "vote"),
    ("in 3 months see the dentist", "2027-02-25 09:00", "see the dentist"),
    ("in an hour's time leave", "in 1h", "leave"),
    ("tomorrow at 9 call Ann", "2026-11-26 09:00", "call Ann"),
    ("call Ann tomorrow at 9am", "2026-11-26 09:00", "call Ann"),
    ("tomorrow at half past nine call Ann", "2026-11-26 09:30", "call Ann"),
    ("tomorrow at quarter to nine call Ann", "2026-11-26 08:45", "call Ann"),
    ("tomorrow at nine call Ann", "2026-11-26 09:00", "call Ann"),
    ("tomorrow evening call mum", "2026-11-26 19:00", "call mum"),
    ("tomorrow at 8 in the evening call mum", "2026-11-26 20:00", "call mum"),
    ("tonight watch the film", "2026-11-25 20:00", "watch the film"),
    ("tonight at 8 watch the film", "2026-11-25 20:00", "watch the film"),
    ("this afternoon call Ann", "2026-11-25 15:00", "call Ann"),
    ("today at 17:30 leave", "2026-11-25 17:30", "leave"),
    ("at 5:30 pm leave", "2026-11-25 17:30", "leave"),
    ("08:30 stretch", "2026-11-26 08:30", "stretch"),
    ("at noon eat", "2026-11-25 12:00", "eat"),
    ("at midnight sleep", "2026-11-26 00:00", "sleep"),
    ("the day after tomorrow vote", "2026-11-27 09:00", "vote"),
    ("next Friday 14:00 pay the rent", "2026-11-27 14:00", "pay the rent"),
    ("on Saturday at 10 o'clock swim", "2026-11-28 10:00", "swim"),
    ("Monday next week at 7 run", "2026-11-30 07:00", "run"),
    ("next week call the bank", "2026-12-02 09:00", "call the bank"),
    ("on the 15th at 8 pay", "2026-12-15 08:00", "pay"),
    ("at the end of the month at 18:00 count", "2026-11-30 18:00", "count"),
    ("on 24 December at noon cook", "2026-12-24 12:00", "cook"),
    ("on December 24th at 6pm cook", "2026-12-24 18:00", "cook"),
    ("on the 3rd of December at 10 go", "2026-12-03 10:00", "go"),
    ("24.12.2026 18:00 sing", "2026-12-24 18:00", "sing"),
    ("24/12/2026 at 18:00 sing", "2026-12-24 18:00", "sing"),
    ("2026-12-24 18:00 sing", "2026-12-24 18:00", "sing"),
    ("in 20 minutes tell me what comes every Monday", "in 20m", "tell me what comes every Monday"),
    # Again and again
    ("every weekday at 8 send me the news", "0 8 * * mon-fri", "send me the news"),
    ("weekdays at 7:30 send me the news", "30 7 * * mon-fri", "send me the news"),
    ("Monday to Friday at 8 send me the news", "0 8 * * mon-fri", "send me the news"),
    ("every Friday to Monday at 8 rest", "0 8 * * fri,sat,sun,mon", "rest"),
    ("every working day at 8 send me the news", "0 8 * * mon-fri", "send me the news"),
    ("every Monday and Thursday at 18:30 train", "30 18 * * mon,thu", "train"),
    ("every Monday, Wednesday and Friday at 6 train", "0 6 * * mon,wed,fri", "train"),
    ("on Mondays and Thursdays at 18:30 train", "30 18 * * mon,thu", "train"),
    ("send me the news every Monday at 8", "0 8 * * mon", "send me the news"),
    ("every weekend at 10 bake", "0 10 * * sat,sun", "bake"),
    ("every Sunday evening call mum", "0 19 * * sun", "call mum"),
    ("every day at 8 pm read", "0 20 * * *", "read"),
    ("every morning sing", "0 9 * * *", "sing"),
    ("daily at 7.15 sing", "15 7 * * *", "sing"),
    ("daily 08:30 sing", "30 8 * * *", "sing"),
    ("every day at 8 and 20 take the pills", "0 8,20 * * *", "take the pills"),
    ("at 8 every weekday send me the news", "0 8 * * mon-fri", "send me the news"),
    ("every week on Monday at 9 plan", "0 9 * * mon", "plan"),
    ("every hour drink", "0 * * * *", "drink"),
    ("hourly drink", "0 * * * *", "drink"),
    ("every half hour stretch", "*/30 * * * *", "stretch"),
    ("every 15 minutes look", "*/15 * * * *", "look"),
    ("every 45 minutes look", "every 2700s", "look"),
    ("every 2 hours drink", "0 */2 * * *", "drink"),
    ("every 5 hours drink", "every 18000s", "drink"),
    ("every 2 days at 7 water the plants", "every 172800s from 2026-11-26 07:00", "water the plants"),
    ("every other day at 11 water the plants", "every 172800s from 2026-11-25 11:00", "water the plants"),
    ("every 2 weeks on Friday at 9 invoice", "every 1209600s from 2026-11-27 09:00", "invoice"),
    ("every other Monday at 9 invoice", "every 1209600s from 2026-11-30 09:00", "invoice"),
    ("on the first of each month pay the rent", "0 9 1 * *", "pay the rent"),
    ("every month on the 1st at 9 pay the rent", "0 9 1 * *", "pay the rent"),
    ("monthly on the 15th at 10 pay the rent", "0 10 15 * *", "pay the rent"),
    ("on the 1st and 15th of every month at 10 pay", "0 10 1,15 * *", "pay"),
    ("on the last day of each month at 18:00 count", "0 18 last * *", "count"),
    ("on the first Monday of each month at 9 meet", "0 9 1st_mon * *", "meet"),
    ("every last Friday of the month at 16:00 meet", "0 16 last_fri * *", "meet"),
    ("every year on 24 December at 9 cook", "0 9 24 12 *", "cook"),
    ("every 3 May at 8 congratulate", "0 8 3 5 *", "congratulate"),
    ("every day at 7 until Friday run", "0 7 * * * until 2026-11-27 23:59", "run"),
    ("every day at 7 for 2 weeks run", "0 7 * * * until 2026-12-09 10:05", "run"),
    ("every day at 7 starting Monday run", "0 7 * * * from 2026-11-30 00:00", "run"),
    (
        "every weekday at 7 from Monday until 24 December run",
        "0 7 * * mon-fri from 2026-11-30 00:00 until 2026-12-24 23:59",
        "run",
    ),
]
GERMAN = [
    ("in 20 Minuten die Wäsche aufhängen", "in 20m", "die Wäsche aufhängen"),
    ("in einer Stunde Anna anrufen", "in 1h", "Anna anrufen"),
    ("in einer halben Stunde Anna anrufen", "in 30m", "Anna anrufen"),
    ("in zwei Tagen wählen", "in 2d", "wählen"),
    ("morgen um 9 Anna anrufen", "2026-11-26 09:00", "Anna anrufen"),
    ("morgen früh Anna anrufen", "2026-11-26 09:00", "Anna anrufen"),
    ("morgen um halb neun Anna anrufen", "2026-11-26 08:30", "Anna anrufen"),
    ("übermorgen um 14:30 Uhr zum Zahnarzt", "2026-11-27 14:30", "zum Zahnarzt"),
    ("heute Abend Film schauen", "2026-11-25 19:00", "Film schauen"),
    ("heute um 18 Uhr Film schauen", "2026-11-25 18:00", "Film schauen"),
    ("am Freitag um 10 Uhr Miete zahlen", "2026-11-27 10:00", "Miete zahlen"),
    ("nächsten Freitag 14 Uhr Miete zahlen", "2026-11-27 14:00", "Miete zahlen"),
    ("am 24. Dezember um 18 Uhr singen", "2026-12-24 18:00", "singen"),
    ("am 24.12.2026 um 18 Uhr singen", "2026-12-24 18:00", "singen"),
    ("jeden Werktag um 8 schick mir die Nachrichten", "0 8 * * mon-fri", "schick mir die Nachrichten"),
    ("jeden Tag um 7:15 Uhr laufen", "15 7 * * *", "laufen"),
    ("täglich um 7 laufen", "0 7 * * *", "laufen"),
    ("jeden Montag und Donnerstag um 18:30 trainieren", "30 18 * * mon,thu", "trainieren"),
    ("montags um 9 planen", "0 9 * * mon", "planen"),
    ("alle 2 Stunden trinken", "0 */2 * * *", "trinken"),
    ("am ersten jedes Monats Miete zahlen", "0 9 1 * *", "Miete zahlen"),
    ("am 15. jedes Monats um 10 Uhr Miete zahlen", "0 10 15 * *", "Miete zahlen"),
    ("jeden Tag um 7 bis Freitag laufen", "0 7 * * * until 2026-11-27 23:59", "laufen"),
]
SPANISH = [
    ("en 20 minutos mirar el horno", "in 20m", "mirar el horno"),
    ("dentro de 2 horas llamar a Ana", "in 2h", "llamar a Ana"),
    ("mañana a las 9 llamar a Ana", "2026-11-26 09:00", "llamar a Ana"),
    ("mañana a las 8 de la tarde llamar a Ana", "2026-11-26 20:00", "llamar a Ana"),
    ("pasado mañana a las 9 y media llamar a Ana", "2026-11-27 09:30", "llamar a Ana"),
    ("hoy a las 18:30 salir", "2026-11-25 18:30", "salir"),
    ("el viernes a las 10 pagar", "2026-11-27 10:00", "pagar"),
    ("el 24 de diciembre a las 18 cantar", "2026-12-24 18:00", "cantar"),
    ("cada día a las 7 correr", "0 7 * * *", "correr"),
    ("todos los lunes a las 8 enviarme las noticias", "0 8 * * mon", "enviarme las noticias"),
    ("cada lunes y jueves a las 18:30 entrenar", "30 18 * * mon,thu", "entrenar"),
    ("de lunes a viernes a las 8 enviarme las noticias", "0 8 * * mon-fri", "enviarme las noticias"),
    ("cada 2 horas beber agua", "0 */2 * * *", "beber agua"),
    ("el primero de cada mes pagar", "0 9 1 * *", "pagar"),
    ("cada día a las 7 hasta el viernes correr", "0 7 * * * until 2026-11-27 23:59", "correr"),
]


@pytest.mark.parametrize(("said", "when", "rest"), [*ENGLISH, *GERMAN, *SPANISH])
def test_a_time_is_understood_and_the_rest_is_left_as_it_was_said(said: str, when: str, rest: str) -> None:
    found = find(said, NOW)

    assert found is not None
    assert (found.when, found.rest, found.others) == (when, rest, ())
    again = read(when, NOW, "Europe/Berlin")
    assert (again.text, again.strictly) == ("", when), "what's understood can be read strictly"


@pytest.mark.parametrize(
    ("said", "either"),
    [
        ("3/4/2027 at 9 pay", ["2027-04-03 09:00", "2027-03-04 09:00"]),
        ("tomorrow at 8 or 9 call Ann", ["2026-11-26 08:00", "2026-11-26 09:00"]),
        ("every day at 8 or 9 call Ann", ["0 8 * * *", "0 9 * * *"]),
        ("every second Monday at 9 invoice", ["every 1209600s from 2026-11-30 09:00", "0 9 2nd_mon * *"]),
        ("on Wednesday at 18:00 swim", ["2026-12-02 18:00", "2026-11-25 18:00"]),
    ],
)
def test_what_may_mean_two_times_is_said_with_both(said: str, either: list[str]) -> None:
    found = find(said, NOW)

    assert found is not None
    assert [found.when, *found.others] == either
    first = read(said, NOW, "Europe/Berlin")
    assert [when.strictly for when in (first, *first.others)] == either


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("today at 8 run", "is over"),
        ("at 25:00 run", "no time of a day"),
        ("on 31 February run", "no day of the calendar"),
        ("on 1 May 2031 run", "more than a year ahead"),
        ("weekly call mum", "leaves open on which day"),
        ("every month call mum", "leaves open on which day"),
        ("tomorrow at 9 and Friday at 10 run", "names two times"),
        ("every day at 8:00 and 18:30 run", "two schedules"),
        ("every 2 weeks on Monday and Friday run", "two schedules"),
        ("every 30 seconds run", "can't be planned"),
        ("soon call Ann", "say when and what"),
    ],
)
def test_what_cannot_be_planned_is_said_with_the_way_out(said: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read(said, NOW, "Europe/Berlin")


def test_words_that_only_look_like_times_stay_in_what_is_to_be_done() -> None:
    found = find("every weekday at 8 sag mir, was am Freitag um 10 ist", NOW)
    assert found is not None
    assert (found.when, found.rest) == ("0 8 * * mon-fri", "sag mir, was am Freitag um 10 ist")


def test_a_long_text_is_kept_whole() -> None:
    when = read(f"every weekday at 8 {'word ' * 400}end", NOW, "Europe/Berlin")
    assert when.text == f"{'word ' * 400}end"


def test_dateparser_is_loaded_only_when_a_date_is_read() -> None:
    """It takes a quarter of a second and 25 MB."""
    code = (
        "import sys, datetime as d; from hub.times.phrases import find; now = d.datetime.now(d.UTC);"
        "assert find('every weekday at 8 x', now); assert 'dateparser' not in sys.modules;"
        "assert find('on 24 December x', now); assert 'dateparser' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
