"""A hundred numbers of sixty countries and more, and the clocks that their owners may live by: found by hand.

Numbers end in zeros, 555 01.. and other digits that nobody calls. Zones were found from the numbering plan (who has the
prefix: the regulator or administrator named) and from maps of time zones (which clocks tick there), never from a
program. One zone stands for all with the same clocks today.
"""

NANPA = "NANPA: area code maps; US DOT and provincial time zone boundaries"
COUNTRY = "ITU-T E.164 country code; the country's law has one clock"
LAWS = "ITU-T E.164 country code; the country's laws on time: all of its clocks, since mobiles have no area"

ET, CT, MT, PT = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

TABLE = [
    # --- the North American plan: the area code decides -------------------------------------------------------
    ("+12125550123", [ET], NANPA),  # New York City
    ("+13055550123", [ET], NANPA),  # Miami
    ("+18505550123", [ET, CT], NANPA),  # Florida's panhandle: Tallahassee and Pensacola
    ("+14485550123", [ET, CT], NANPA),  # its overlay
    ("+13125550123", [CT], NANPA),  # Chicago
    ("+12705550123", [ET, CT], NANPA),  # western Kentucky: Elizabethtown and Bowling Green
    ("+13645550123", [ET, CT], NANPA),  # its overlay
    ("+18125550123", [ET, CT], NANPA),  # southern Indiana: Bloomington and Evansville
    ("+19305550123", [ET, CT], NANPA),  # its overlay
    ("+14235550123", [ET, CT], NANPA),  # eastern Tennessee, with counties west of Chattanooga
    ("+19065550123", [ET, CT], NANPA),  # Upper Michigan: four counties at the border of Wisconsin
    ("+17015550123", [CT, MT], NANPA),  # North Dakota
    ("+16055550123", [CT, MT], NANPA),  # South Dakota
    ("+13085550123", [CT, MT], NANPA),  # western Nebraska
    ("+16205550123", [CT, MT], NANPA),  # southern Kansas, with Syracuse
    ("+19155550123", [MT], NANPA),  # El Paso
    ("+13035550123", [MT], NANPA),  # Denver
    ("+16025550123", ["America/Phoenix"], NANPA),  # Phoenix: no summer time
    ("+19285550123", ["America/Phoenix", MT], NANPA),  # northern Arizona, with the Navajo Nation
    ("+12085550123", [MT, PT], NANPA),  # Idaho
    ("+19865550123", [MT, PT], NANPA),  # its overlay
    ("+15415550123", [MT, PT], NANPA),  # Oregon, with Malheur County
    ("+14585550123", [MT, PT], NANPA),  # its overlay
    ("+17755550123", [MT, PT], NANPA),  # Nevada, with West Wendover and Jackpot
    ("+13105550123", [PT], NANPA),  # Los Angeles
    ("+19075550123", ["America/Anchorage", "America/Adak"], NANPA),  # Alaska
    ("+18085550123", ["Pacific/Honolulu"], NANPA),  # Hawaii
    ("+14165550123", ["America/Toronto"], NANPA),  # Toronto
    ("+18075550123", ["America/Toronto", "America/Winnipeg"], NANPA),  # north-western Ontario
    ("+12045550123", ["America/Winnipeg"], NANPA),  # Manitoba
    ("+14035550123", ["America/Edmonton"], NANPA),  # Calgary
    ("+16045550123", ["America/Vancouver"], NANPA),  # Vancouver
    ("+19025550123", ["America/Halifax"], NANPA),  # Nova Scotia and Prince Edward Island
    ("+17095550123", ["America/St_Johns", "America/Goose_Bay"], NANPA),  # Newfoundland and Labrador
    ("+14185550123", ["America/Toronto", "America/Halifax"], NANPA),  # eastern Quebec, with the Magdalen Islands
    ("+18765550123", ["America/Jamaica"], NANPA),  # Jamaica
    ("+12423591234", ["America/Nassau"], NANPA),  # the Bahamas
    ("+18682911234", ["America/Port_of_Spain"], NANPA),  # Trinidad and Tobago
    ("+17875550123", ["America/Puerto_Rico"], NANPA),  # Puerto Rico
    ("+16715550123", ["Pacific/Guam"], NANPA),  # Guam
    # --- Brazil and Mexico, likewise --------------------------------------------------------------------------
    ("+5511961234567", ["America/Sao_Paulo"], "Anatel: DDD 11"),  # Sao Paulo
    ("+5581961234567", ["America/Recife", "America/Noronha"], "Anatel: DDD 81, Pernambuco with Fernando de Noronha"),
    ("+5592961234567", ["America/Manaus"], "Anatel: DDD 92"),  # Manaus
    ("+5597961234567", ["America/Manaus", "America/Eirunepe"], "Anatel: DDD 97, western Amazonas"),
    ("+5568961234567", ["America/Rio_Branco"], "Anatel: DDD 68"),  # Acre
    ("+525550000000", ["America/Mexico_City"], "IFT: area 55; Ley de los Husos Horarios 2022"),
    ("+526140000000", ["America/Mexico_City", "America/Mazatlan"], "IFT: area 614, Chihuahua; the older clock stays"),
    ("+526640000000", ["America/Tijuana"], "IFT: area 664; Ley de los Husos Horarios 2022"),
    # --- several clocks, no areas: all of them -----------------------------------------------------------------
    ("+61491570156", ["Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin",
      "Australia/Perth", "Australia/Eucla", "Australia/Lord_Howe"], LAWS),
    ("+64211234567", ["Pacific/Auckland", "Pacific/Chatham"], LAWS),
    ("+79161234567", ["Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk",
      "Asia/Krasnoyarsk", "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka"], LAWS),
    ("+77010000000", ["Asia/Almaty"], LAWS),  # one clock since 1 March 2024
    ("+62812345678", ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"], LAWS),
    ("+97688123456", ["Asia/Ulaanbaatar", "Asia/Hovd"], LAWS),
    ("+34612345678", ["Europe/Madrid", "Atlantic/Canary"], LAWS),
    ("+351912345678", ["Europe/Lisbon", "Atlantic/Azores"], LAWS),
    ("+56961234567", ["America/Santiago", "America/Punta_Arenas", "Pacific/Easter"], LAWS),
    ("+593991234567", ["America/Guayaquil", "Pacific/Galapagos"], LAWS),
    ("+243991234567", ["Africa/Kinshasa", "Africa/Lubumbashi"], LAWS),
    ("+299221234", ["America/Nuuk", "America/Scoresbysund", "America/Thule"], LAWS),
    ("+68672001234", ["Pacific/Tarawa", "Pacific/Kanton", "Pacific/Kiritimati"], LAWS),
    ("+6913501234", ["Pacific/Chuuk", "Pacific/Pohnpei"], LAWS),
    ("+67570123456", ["Pacific/Port_Moresby", "Pacific/Bougainville"], LAWS),
    ("+68987123456", ["Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier"], LAWS),
    # --- one clock ----------------------------------------------------------------------------------------------
    ("+447700900123", ["Europe/London"], COUNTRY),
    ("+33639980001", ["Europe/Paris"], COUNTRY),
    ("+4915123456789", ["Europe/Berlin"], COUNTRY),
    ("+393123456789", ["Europe/Rome"], COUNTRY),
    ("+31612345678", ["Europe/Amsterdam"], COUNTRY),
    ("+32470123456", ["Europe/Brussels"], COUNTRY),
    ("+41781234567", ["Europe/Zurich"], COUNTRY),
    ("+43664123456", ["Europe/Vienna"], COUNTRY),
    ("+48512345678", ["Europe/Warsaw"], COUNTRY),
    ("+46701234567", ["Europe/Stockholm"], COUNTRY),
    ("+4740612345", ["Europe/Oslo"], COUNTRY),
    ("+4534412345", ["Europe/Copenhagen"], COUNTRY),
    ("+358412345678", ["Europe/Helsinki"], COUNTRY),
    ("+353850123456", ["Europe/Dublin"], COUNTRY),
    ("+3546111234", ["Atlantic/Reykjavik"], COUNTRY),
    ("+306912345678", ["Europe/Athens"], COUNTRY),
    ("+40712034567", ["Europe/Bucharest"], COUNTRY),
    ("+380501234567", ["Europe/Kyiv"], COUNTRY),
    ("+375294911911", ["Europe/Minsk"], COUNTRY),  # Moscow's clock all year
    ("+905012345678", ["Europe/Istanbul"], COUNTRY),
    ("+972502345678", ["Asia/Jerusalem"], COUNTRY),
    ("+201001234567", ["Africa/Cairo"], COUNTRY),
    ("+212650123456", ["Africa/Casablanca"], COUNTRY),  # an hour back in Ramadan
    ("+213551234567", ["Africa/Algiers"], COUNTRY),
    ("+218912345678", ["Africa/Tripoli"], COUNTRY),
    ("+211977123456", ["Africa/Juba"], COUNTRY),
    ("+2348021234567", ["Africa/Lagos"], COUNTRY),
    ("+254712123456", ["Africa/Nairobi"], COUNTRY),
    ("+27711234567", ["Africa/Johannesburg"], COUNTRY),
    ("+971501234567", ["Asia/Dubai"], COUNTRY),
    ("+918123456789", ["Asia/Kolkata"], COUNTRY),
    ("+9779841234567", ["Asia/Kathmandu"], COUNTRY),
    ("+9592123456", ["Asia/Yangon"], COUNTRY),
    ("+8613123456789", ["Asia/Shanghai"], COUNTRY),
    ("+819012345678", ["Asia/Tokyo"], COUNTRY),
    ("+821020000000", ["Asia/Seoul"], COUNTRY),
    ("+84912345678", ["Asia/Ho_Chi_Minh"], COUNTRY),
    ("+6581234567", ["Asia/Singapore"], COUNTRY),
    ("+639051234567", ["Asia/Manila"], COUNTRY),
    ("+50581234567", ["America/Managua"], COUNTRY),  # no summer time, unlike Chicago
    ("+5491123456789", ["America/Argentina/Buenos_Aires"], COUNTRY),
    ("+573211234567", ["America/Bogota"], COUNTRY),
    ("+51912345678", ["America/Lima"], COUNTRY),
    ("+59894231234", ["America/Montevideo"], COUNTRY),
    ("+6857212345", ["Pacific/Apia"], COUNTRY),
]  # fmt: skip
