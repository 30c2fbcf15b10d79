"""Silver tables of who is who: records as they are compared, their pairs, persons, and what changed."""

from personalake.tables.schema import Field, Table

# What a person is called, how old they are and where they live says something of them; an address of mail or a number is how
# they are reached, for whichever purpose they granted.
_ABOUT = ("personalisation",)

PERSON_CHANGE = Table(
    layer="silver",
    name="person_change",
    grain="Identifiers that moved from one person to another at once; append-only log",
    key=("change_id",),
    fields=(
        Field("change_id", "string", "Hash of both persons and of the links' version before the change"),
        Field("kind", "string", "merged (the old person is gone), split (the new person is new), moved (a part left)"),
        Field("old_person_id", "string", "Person whom the identifiers belonged to"),
        Field("new_person_id", "string", "Person whom they belong to since"),
        Field("identifiers", "bigint", "Identifiers that moved"),
        Field("links_version", "bigint", "Version of silver.person_link before the identifiers moved; operational"),
        Field("as_of", "date", "As-of of the run"),
        Field("run_id", "string", "Run that made the change; operational"),
        Field("changed_at", "timestamp", "When that run began (UTC); operational"),
    ),
    run_columns=("change_id", "links_version", "run_id", "changed_at"),
)

PERSON = Table(
    layer="silver",
    name="person",
    grain="One person's golden record: the best value of each detail, and where it is from",
    key=("person_id",),
    fields=(
        Field("person_id", "string", "The resolved human"),
        Field("first_name", "string", "First name, as the surviving source writes it", pii="contact", purposes=_ABOUT),
        Field("last_name", "string", "Last name, as the surviving source writes it", pii="contact", purposes=_ABOUT),
        Field("birth_date", "string", "Day of birth, ISO", pii="demographic", purposes=_ABOUT),
        Field(
            "street",
            "string",
            "Street and number, as the surviving source writes them",
            pii="contact",
            purposes=_ABOUT,
        ),
        Field("postcode", "string", "Postcode, as the surviving source writes it", pii="contact", purposes=_ABOUT),
        Field("city", "string", "Town, as the surviving source writes it", pii="contact", purposes=_ABOUT),
        Field("email", "string", "E-mail address, standardised", pii="identifier"),
        Field("phone", "string", "Phone number with country calling code", pii="identifier"),
        Field("login", "string", "Account with which the person signs in", pii="identifier"),
        Field("loyalty_id", "string", "Number of the loyalty card", pii="identifier"),
        Field(
            "provenance",
            "map<string,string>",
            "Field: what its value is from, as `source:record at time (rule)`",
            pii="identifier",
        ),
        Field(
            "records",
            "bigint",
            "Records of the person; identifiers that events show together, such as a login and a cookie, are one, too",
        ),
        Field("sources", "array<string>", "Sources that know the person"),
        Field(
            "weakest_link", "double", "Match weight of the weakest bridge between records, bits; null if none is a likeness"
        ),
        Field("first_known_at", "timestamp", "When the first record could have been known (UTC)"),
        Field("last_known_at", "timestamp", "When the latest record could have been known (UTC)"),
    ),
)

MATCH_RECORD = Table(
    layer="silver",
    name="match_record",
    grain="One customer record as it is compared with others: standardised, with its blocking keys",
    key=("record_key",),
    fields=(
        Field("record_key", "string", "Source and record id, `source:record_id`"),
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The source's key for the customer", pii="identifier"),
        Field("known_at", "timestamp", "When we could have known it (UTC)"),
        Field("first_name", "string", "First name: small letters without marks, short forms written out", pii="contact"),
        Field("last_name", "string", "Last name: small letters without marks", pii="contact"),
        Field("birth_date", "string", "Day of birth, ISO", pii="demographic"),
        Field("postcode", "string", "Postcode: capitals and digits", pii="contact"),
        Field("street", "string", "Street and house number: small letters, endings written out", pii="contact"),
        Field("city", "string", "Town: small letters without marks", pii="contact"),
        Field("login", "string", "Account with which the customer signs in", pii="identifier"),
        Field("loyalty_id", "string", "Number of the loyalty card", pii="identifier"),
        Field("email", "string", "E-mail address in small letters", pii="identifier"),
        Field("phone", "string", "Phone number: digits with the country calling code", pii="identifier"),
        Field("device_id", "string", "Device that was used", pii="identifier"),
        Field("cookie_id", "string", "Browser cookie that was seen", pii="identifier"),
        Field("blocking_keys", "array<bigint>", "One xxHash64 for each blocking rule, null where a part is missing"),
        Field("spelling", "string", "Hash of the settings that shaped the row; rows of another one are made again"),
    ),
)

MATCH_EDGE = Table(
    layer="silver",
    name="match_edge",
    grain="Two records that were compared, and how likely they are one person's; pairs below the threshold are not kept",
    key=("left_key", "right_key"),
    fields=(
        Field("left_key", "string", "The lesser record key of the two"),
        Field("right_key", "string", "The greater record key of the two"),
        Field("match_weight", "double", "Evidence for one person, bits; 0 is even odds"),
        Field("weights", "map<string,double>", "Comparison: what it added to the match weight, bits"),
        Field("model_version", "string", "Version of the match model that scored the pair"),
    ),
)

MATCH_MODEL = Table(
    layer="silver",
    name="match_model",
    grain="One trained match model; the latest row serves",
    key=("model_version",),
    fields=(
        Field("model_version", "string", "Hash of the model"),
        Field("model", "string", "The model as JSON: probabilities of each level, frequencies of values that many share"),
        Field("records", "bigint", "Records that it was trained on"),
        Field("trained_at", "timestamp", "When it was trained; operational"),
    ),
    run_columns=("trained_at",),
)

IDENTITY_GUARD = Table(
    layer="silver",
    name="identity_guard",
    grain="One thing that a guard refused in the latest resolution",
    key=("guard", "namespace", "value"),
    fields=(
        Field("guard", "string", "Which guard, e.g. hub, max_merges, contradiction_birth_date, oversized_key, never_link"),
        Field("namespace", "string", "Kind of identifier, or `pair` for a link between two records"),
        Field("value", "string", "The identifier, or both record keys; null for a sum over many", pii="identifier"),
        Field(
            "links",
            "bigint",
            "Links that were refused; of a hub the persons who share it, of an oversized_key the pairs not compared, of "
            "override_unknown none",
        ),
        Field("persons", "bigint", "Persons who were kept apart"),
        Field("match_weight", "double", "How strong the strongest refused link was, bits; null where it has no weight"),
    ),
)

RESOLUTION = Table(
    layer="silver",
    name="resolution",
    grain="One run that grouped records by person; append-only log",
    key=("run_id",),
    fields=(
        Field("run_id", "string", "Run of resolve_identities"),
        Field("settings_version", "string", "Hash of the settings of identity; others than before group everything anew"),
        Field("model_version", "string", "Match model in use; null without one"),
        Field("records", "bigint", "Records in all"),
        Field(
            "records_state",
            "string",
            "Id and version of silver.customer_record as it was read; null if all of it has to be read each time",
        ),
        Field("looked_at", "bigint", "Records whose group could have changed, and was told anew"),
        Field("is_full", "boolean", "True if every record was looked at"),
        Field("resolved_at", "timestamp", "When the run had written everything; operational"),
    ),
    run_columns=("run_id", "records_state", "resolved_at"),
)

IDENTITY = (PERSON_CHANGE, PERSON, MATCH_RECORD, MATCH_EDGE, MATCH_MODEL, IDENTITY_GUARD, RESOLUTION)
