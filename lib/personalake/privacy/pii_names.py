"""Names of columns that hold personal data, as words in a row: English first, then German, French and Spanish."""

NAMES: dict[str, tuple[str, ...]] = {
    "identifier": (
        "email", "emailaddr", "e mail", "mail", "mail address", "phone", "mobile", "telephone", "tel", "msisdn",
        "cell phone", "fax", "login", "username", "user name", "nickname", "handle", "ip address", "ip addr", "ip", "ipv4",
        "ipv6", "cookie", "cookie id", "device id", "mac address", "imei", "imsi", "advertising id", "idfa", "gaid", "iban",
        "bic", "card number", "cc number", "account number", "passport", "driver license", "driving licence",
        "national id", "id card", "ssn", "social security", "tax id", "vat id", "license plate", "customer id", "custid",
        "loyalty id", "member id", "household id", "user id", "userid", "client id", "anonymous id", "external id",
        "telefon", "telefonnummer", "mobil", "mobilnummer", "handy", "handynummer", "rufnummer", "mailadresse",
        "emailadresse", "kontonummer", "kundennummer", "kunden nr", "kundennr", "steuernummer", "ausweisnummer",
        "benutzername", "kennzeichen",
        "courriel", "portable", "correo", "correo electronico", "telefono", "movil", "dni",
    ),
    "contact": (
        "first name", "last name", "full name", "given name", "family name", "surname", "firstname", "lastname", "fullname",
        "forename", "maiden name", "middle name", "customer name", "contact name", "person name", "guest name",
        "client name", "member name", "employee name", "recipient", "recipient name", "ship to", "bill to",
        "street", "address", "addr", "address line", "postcode", "post code", "postalcode", "zip", "zip code", "zipcode",
        "postal code", "city", "town", "latitude", "longitude", "lat", "lon", "lng", "gps",
        "vorname", "nachname", "familienname", "geburtsname", "kundenname", "strasse", "hausnummer", "plz", "postleitzahl",
        "ort", "wohnort", "stadt", "anschrift", "adresse", "empfaenger",
        "nom", "prenom", "rue", "ville", "code postal", "nombre", "apellido", "apellidos", "calle", "ciudad", "direccion",
        "codigo postal",
    ),
    "demographic": (
        "birth date", "birthdate", "birth day", "birthday", "date of birth", "dob", "birth year", "year of birth", "yob",
        "age", "age band", "gender", "gender code", "sex", "income", "income band", "salary", "marital status",
        "nationality", "religion", "ethnicity", "ethnic group", "household size", "kids count", "occupation", "education",
        "salutation", "diagnosis", "health status", "disability",
        "geburtsdatum", "geburtstag", "geburtsjahr", "geschlecht", "anrede", "familienstand", "staatsangehoerigkeit",
        "einkommen", "gehalt", "beruf", "konfession",
        "date de naissance", "naissance", "sexe", "civilite", "fecha de nacimiento", "nacimiento", "sexo",
    ),
    "payload": (
        "payload", "text", "comment", "comments", "comment text", "free text", "message text", "remark", "remarks", "note",
        "notes", "body", "transcript", "search term", "feedback", "raw", "bemerkung", "bemerkungen", "kommentar", "notiz",
    ),
}  # fmt: skip
