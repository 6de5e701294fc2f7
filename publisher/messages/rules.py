"""Rules between the keys of a dataset file or schema, and between files."""

from publisher.messages.text import Text

RULES: dict[str, Text] = {
    "doubled-dataset": Text(
        en="the dataset {name} stands in {others} too",
        da="datasættet {name} står også i {others}",
        remedy_en="give one of them another name, or remove a file",
        remedy_da="giv det ene et andet navn, eller fjern en fil",
    ),
    "dataset-elsewhere": Text(
        en="{others} claims the name {name} too; this file is used, for it bears the name",
        da="{others} gør også krav på navnet {name}; denne fil bruges, for den bærer navnet",
        remedy_en="give the other another name, or remove its file",
        remedy_da="giv det andet et andet navn, eller fjern dets fil",
    ),
    "file-name-differs": Text(
        en="the file does not bear the name of its dataset, {name}",
        da="filen bærer ikke navnet på sit datasæt, {name}",
        remedy_en="rename it to {name}.yaml, so that it is found",
        remedy_da="omdøb den til {name}.yaml, så den kan findes",
    ),
    "doubled-schema": Text(
        en="version {version} of the schema {name} stands in {other} too",
        da="version {version} af skemaet {name} står også i {other}",
        remedy_en="give this one another version, or use the other",
        remedy_da="giv denne en anden version, eller brug den anden",
    ),
    "schema-outside": Text(
        en="the schema {path} is not in schemas/",
        da="skemaet {path} ligger ikke i schemas/",
        remedy_en=(
            "put the file in schemas/ and write its path from here, such as "
            "../schemas/water-level.yaml"
        ),
        remedy_da="læg filen i schemas/, og skriv dens sti herfra, som ../schemas/water-level.yaml",
    ),
    "schema-missing": Text(
        en="there is no schema {path}",
        da="der er intet skema {path}",
        remedy_en=(
            "write the path from this file, such as ../schemas/water-level.yaml; the nearest is"
            ' "{nearest}"'
        ),
        remedy_da=(
            "skriv stien fra denne fil, som ../schemas/water-level.yaml; det nærmeste er "
            '"{nearest}"'
        ),
        alone_en="write the path from this file, such as ../schemas/water-level.yaml",
        alone_da="skriv stien fra denne fil, som ../schemas/water-level.yaml",
    ),
    "schema-wrong": Text(
        en="the schema {schema} has errors of its own",
        da="skemaet {schema} har selv fejl",
        remedy_en="correct that file first",
        remedy_da="ret den fil først",
    ),
    "unknown-schema": Text(
        en="there is no schema {schema}",
        da="der er intet skema {schema}",
        remedy_en="see the list of schemas",
        remedy_da="se listen over skemaer",
    ),
    "unknown-publisher": Text(
        en='catalog/organizations.yaml has no organisation "{name}"',
        da='catalog/organizations.yaml har ingen organisation "{name}"',
        remedy_en='add it there, or correct the name; the nearest is "{nearest}"',
        remedy_da='tilføj den dér, eller ret navnet; det nærmeste er "{nearest}"',
        alone_en="add it there, or correct the name",
        alone_da="tilføj den dér, eller ret navnet",
    ),
    "no-such-target": Text(
        en='catalog/targets.yaml has no target "{name}"',
        da='catalog/targets.yaml har intet mål "{name}"',
        remedy_en=(
            'add it there, or correct the name; the nearest is "{nearest}". The dataset goes on'
            " without it"
        ),
        remedy_da=(
            'tilføj det dér, eller ret navnet; det nærmeste er "{nearest}". Datasættet '
            "fortsætter uden det"
        ),
        alone_en="add it there, or correct the name. The dataset goes on without it",
        alone_da="tilføj det dér, eller ret navnet. Datasættet fortsætter uden det",
    ),
    "unknown-organization": Text(
        en='catalog/organizations.yaml has no organisation "{name}", so nobody publishes under it',
        da='catalog/organizations.yaml har ingen organisation "{name}", så ingen udgiver under den',
        remedy_en='correct the name, or leave it out; the nearest is "{nearest}"',
        remedy_da='ret navnet, eller udelad den; det nærmeste er "{nearest}"',
        alone_en="correct the name, or leave it out",
        alone_da="ret navnet, eller udelad den",
    ),
    "target-without-organization": Text(
        en="the target {target} has no organisation {organization}, so nothing is published there",
        da="målet {target} har ingen organisation {organization}, så intet udgives dér",
        remedy_en="add {organization} with its name and token under organizations of the target",
        remedy_da="tilføj {organization} med navn og token under organizations hos målet",
    ),
    "folder-reserved": Text(
        en='the target "folder" is to be of type folder',
        da='målet "folder" skal have typen folder',
        remedy_en="give this target another name",
        remedy_da="giv dette mål et andet navn",
    ),
    "partner-rows-refused": Text(
        en="{refused} of the {rows} rows of {table} that were read do not fit its schema",
        da="{refused} af de {rows} læste rækker af {table} passer ikke til dens skema",
        remedy_en="see whether fields, units and the time zone are right; such rows are left out",
        remedy_da="se, om felter, enheder og tidszone er rigtige; sådanne rækker udelades",
    ),
    "partner-no-table": Text(
        en="{partner} has no table {table} that could be copied",
        da="{partner} har ingen tabel {table}, der kunne kopieres",
        remedy_en="name one of its tables",
        remedy_da="nævn en af dens tabeller",
    ),
    "view-without-schema": Text(
        en="{key} of {field} cannot be stated for a table without a schema",
        da="{key} for {field} kan ikke angives for en tabel uden skema",
        remedy_en="state the schema of the table, or only column and missingValues",
        remedy_da="angiv tabellens skema, eller kun column og missingValues",
    ),
    "partner-url-v1": Text(
        en="the address of a Publisher is that before /v1",
        da="adressen på en Publisher er den før /v1",
        remedy_en="leave out /v1 and what follows",
        remedy_da="udelad /v1 og det, der følger",
    ),
    "partner-reserved": Text(
        en='"{name}" is what our own tables are called, and cannot be a partner\'s name',
        da='"{name}" er navnet på vores egne tabeller og kan ikke være en partners navn',
        remedy_en="give this partner another name",
        remedy_da="giv denne partner et andet navn",
    ),
    "draft-with-targets": Text(
        en="the dataset has targets but is a draft, so nothing is published",
        da="datasættet har mål, men er en kladde, så intet udgives",
        remedy_en='add "access: public" under publish when it is ready',
        remedy_da='tilføj "access: public" under publish, når det er klar',
    ),
    "doubled-table": Text(
        en="two tables have the name {name}",
        da="to tabeller hedder {name}",
        remedy_en="give one of them another name",
        remedy_da="giv den ene et andet navn",
    ),
    "doubled-path": Text(
        en="two tables are published as {path}, endings apart",
        da="to tabeller udgives som {path}, når endelsen ses bort fra",
        remedy_en="give one of them another path",
        remedy_da="giv den ene en anden path",
    ),
    "unsafe-file-name": Text(
        en='the file cannot be published as "{path}"',
        da='filen kan ikke udgives som "{path}"',
        remedy_en=(
            "write a plain file name such as observations.csv; datapackage.json is the "
            "package's own"
        ),
        remedy_da="skriv et enkelt filnavn som observations.csv; datapackage.json er pakkens egen",
    ),
    "path-not-csv": Text(
        en="the file published as {path} will be CSV",
        da="filen, der udgives som {path}, bliver CSV",
        remedy_en="let its name end in .csv",
        remedy_da="lad navnet ende på .csv",
    ),
    "nameless-license": Text(
        en="the licence has neither name nor path",
        da="licensen har hverken name eller path",
        remedy_en="write name: CC-BY-4.0, or the path of its text",
        remedy_da="skriv name: CC-BY-4.0, eller path til dens tekst",
    ),
    "unknown-license": Text(
        en='the licence "{name}" is not known',
        da='licensen "{name}" kendes ikke',
        remedy_en="did you mean {nearest}? Of another licence, give the path of its text too",
        remedy_da="mente du {nearest}? Angiv også path til teksten for en anden licens",
        alone_en="write a known one, such as CC-BY-4.0, or give the path of its text too",
        alone_da="skriv en kendt, som CC-BY-4.0, eller angiv også path til dens tekst",
    ),
    "no-description": Text(
        en="the dataset is public and has no description",
        da="datasættet er offentligt og har ingen beskrivelse",
        remedy_en="add a description: what is measured, where, how often",
        remedy_da="tilføj en beskrivelse: hvad der måles, hvor og hvor tit",
    ),
    "no-license": Text(
        en="the dataset is public and has no licence",
        da="datasættet er offentligt og har ingen licens",
        remedy_en="add licenses: [{{name: CC-BY-4.0}}], so that people know what they may do",
        remedy_da="tilføj licenses: [{{name: CC-BY-4.0}}], så folk ved, hvad de må",
    ),
    "only-personal-fields": Text(
        en="the dataset is public, but all fields of {schema} are personal",
        da="datasættet er offentligt, men alle felter i {schema} er personlige",
        remedy_en='leave out "access: public", or add fields that may be seen',
        remedy_da='udelad "access: public", eller tilføj felter, der må ses',
    ),
    "personal-key": Text(
        en="the dataset is public, but {field} in the key of {schema} is personal",
        da="datasættet er offentligt, men {field} i nøglen for {schema} er personligt",
        remedy_en='choose a key of fields that may be seen, or leave out "access: public"',
        remedy_da='vælg en nøgle af felter, der må ses, eller udelad "access: public"',
    ),
    "personal-foreign-key": Text(
        en="the dataset is public, but {field} of {schema} refers to {other}, which is personal",
        da="datasættet er offentligt, men {field} i {schema} henviser til {other}, "
        "der er personligt",
        remedy_en='make {field} personal too, or leave out "access: public"',
        remedy_da='gør også {field} personligt, eller udelad "access: public"',
    ),
    "language-not-known": Text(
        en='"{language}" is no language code in use',
        da='"{language}" er ikke en sprogkode i brug',
        remedy_en="write two letters, such as en",
        remedy_da="skriv to bogstaver, som en",
    ),
    "variable-not-set": Text(
        en="the variable {name} is not set",
        da="variablen {name} er ikke sat",
        remedy_en="set {name}, or {name}_FILE, in the environment of the service",
        remedy_da="sæt {name}, eller {name}_FILE, i tjenestens miljø",
    ),
    "secret-in-file": Text(
        en="{where} looks like a secret that is written out",
        da="{where} ligner en hemmelighed, der er skrevet ud",
        remedy_en="write ${{NAME}} and set the variable NAME in the environment of the service",
        remedy_da="skriv ${{NAVN}}, og sæt variablen NAVN i tjenestens miljø",
    ),
    "wrong-url": Text(
        en='"{url}" is no address',
        da='"{url}" er ikke en adresse',
        remedy_en="write it with https:// or http:// and a host",
        remedy_da="skriv den med https:// eller http:// og et værtsnavn",
    ),
    "wrong-header": Text(
        en='"{name}" is no name of a header',
        da='"{name}" er ikke et navn på en header',
        remedy_en='write letters, digits and "-" only',
        remedy_da='skriv kun bogstaver, cifre og "-"',
    ),
    "wrong-cron": Text(
        en='"{cron}" is no crontab line: "{part}" is wrong',
        da='"{cron}" er ikke en crontab-linje: "{part}" er forkert',
        remedy_en=(
            'write minute, hour, day, month and weekday: "*/15 * * * *" is every 15 minutes, '
            '"30 6 * * mon-fri" 06:30 on weekdays'
        ),
        remedy_da=(
            'skriv minut, time, dag, måned og ugedag: "*/15 * * * *" er hvert 15. minut, "30 6 '
            '* * mon-fri" kl. 06.30 på hverdage'
        ),
    ),
    "short-history": Text(
        en="history is shorter than two days",
        da="history er kortere end to døgn",
        remedy_en="write P2D or longer",
        remedy_da="skriv P2D eller længere",
    ),
    "merge-without-key": Text(
        en="mode merge needs a key, and the schema {schema} has none",
        da="mode merge kræver en nøgle, og skemaet {schema} har ingen",
        remedy_en="add primaryKey to the schema, or choose append or replace",
        remedy_da="tilføj primaryKey i skemaet, eller vælg append eller replace",
    ),
    "append-with-key": Text(
        en="mode append takes every row as new, and the schema {schema} has a key, which no two "
        "rows may share",
        da="mode append tager hver række som ny, og skemaet {schema} har en nøgle, som to rækker "
        "ikke må dele",
        remedy_en="choose merge or replace, or use a schema without primaryKey",
        remedy_da="vælg merge eller replace, eller brug et skema uden primaryKey",
    ),
    "shrink-without-replace": Text(
        en="maxShrink says nothing, for only mode replace removes rows",
        da="maxShrink siger intet, for kun mode replace fjerner rækker",
        remedy_en="leave it out, or write mode: replace",
        remedy_da="udelad den, eller skriv mode: replace",
    ),
    "unmapped-field": Text(
        en='the schema {schema} has no field "{field}"',
        da='skemaet {schema} har intet felt "{field}"',
        remedy_en='correct the name, or add the field to the schema; the nearest is "{nearest}"',
        remedy_da='ret navnet, eller føj feltet til skemaet; det nærmeste er "{nearest}"',
        alone_en="correct the name, or add the field to the schema; it has {known}",
        alone_da="ret navnet, eller føj feltet til skemaet; det har {known}",
    ),
    "empty-constant": Text(
        en="the field {field} is required, but its constant is empty",
        da="feltet {field} er påkrævet, men dets konstant er tom",
        remedy_en="write its value",
        remedy_da="skriv dets værdi",
    ),
    "constant-not-text": Text(
        en="the constant of the text field {field} is not read as text",
        da="konstanten for tekstfeltet {field} læses ikke som tekst",
        remedy_en='put it in quotes: "{value}"',
        remedy_da='sæt den i anførselstegn: "{value}"',
    ),
    "unknown-check-field": Text(
        en='the check {check} names the field "{field}", which the schema does not have',
        da='kontrollen {check} nævner feltet "{field}", som skemaet ikke har',
        remedy_en='correct the name; the nearest is "{nearest}"',
        remedy_da='ret navnet; det nærmeste er "{nearest}"',
        alone_en="correct the name; the schema has {known}",
        alone_da="ret navnet; skemaet har {known}",
    ),
    "doubled-field": Text(
        en="the fields {field} and {other} differ in capitals at most",
        da="felterne {field} og {other} er højst forskellige i store og små bogstaver",
        remedy_en="give one of them another name",
        remedy_da="giv det ene et andet navn",
    ),
    "field-named-like-parameter": Text(
        en="the field {field} is named like a parameter of the API",
        da="feltet {field} hedder det samme som en parameter i API'et",
        remedy_en="another name is easier to ask for; this one is reached as {field}__exact=",
        remedy_da="et andet navn er lettere at spørge på; dette nås som {field}__exact=",
    ),
    "role-of-other-type": Text(
        en="the field {field} has the role {role} but the type {type}",
        da="feltet {field} har rollen {role}, men typen {type}",
        remedy_en="give it a type of {types}, or leave the role out",
        remedy_da="giv det en type af {types}, eller udelad rollen",
    ),
    "doubled-role": Text(
        en="more than one field has the role {role}",
        da="mere end ét felt har rollen {role}",
        remedy_en="keep it on one of them",
        remedy_da="behold den på ét af dem",
    ),
    "half-position": Text(
        en="a field has the role {has}, and none the role {lacks}",
        da="et felt har rollen {has}, og intet har rollen {lacks}",
        remedy_en="give the other coordinate its role, so that rows have a place",
        remedy_da="giv den anden koordinat sin rolle, så rækkerne har et sted",
    ),
    "unknown-key-field": Text(
        en='{key} names "{field}", which is no field',
        da='{key} nævner "{field}", som ikke er et felt',
        remedy_en='correct the name; the nearest is "{nearest}"',
        remedy_da='ret navnet; det nærmeste er "{nearest}"',
        alone_en="correct the name; the schema has {known}",
        alone_da="ret navnet; skemaet har {known}",
    ),
    "doubled-key-field": Text(
        en="{key} names the field {field} twice",
        da="{key} nævner feltet {field} to gange",
        remedy_en="keep it once",
        remedy_da="behold det én gang",
    ),
    "uneven-foreign-key": Text(
        en="the foreign key has {fields} fields and refers to {referred}",
        da="fremmednøglen har {fields} felter og henviser til {referred}",
        remedy_en="name as many fields in reference as in fields",
        remedy_da="nævn lige så mange felter i reference som i fields",
    ),
    "unknown-foreign-table": Text(
        en="the schema {schema} refers to the table {table}, which is not there",
        da="skemaet {schema} henviser til tabellen {table}, som ikke findes",
        remedy_en=(
            'add the table, or correct reference.resource in the schema; the nearest is "{nearest}"'
        ),
        remedy_da=(
            'tilføj tabellen, eller ret reference.resource i skemaet; den nærmeste er "{nearest}"'
        ),
        alone_en="add the table, or correct reference.resource in the schema",
        alone_da="tilføj tabellen, eller ret reference.resource i skemaet",
    ),
    "unknown-foreign-field": Text(
        en="the schema {schema} refers to the field {field} of {table}, which is not there",
        da="skemaet {schema} henviser til feltet {field} i {table}, som ikke findes",
        remedy_en='correct reference.fields in the schema; the nearest is "{nearest}"',
        remedy_da='ret reference.fields i skemaet; det nærmeste er "{nearest}"',
        alone_en="correct reference.fields in the schema; the table has {known}",
        alone_da="ret reference.fields i skemaet; tabellen har {known}",
    ),
    "foreign-key-types": Text(
        en=(
            "the field {field} is of type {type}, and {other}, which it refers to, of type "
            "{other_type}"
        ),
        da=(
            "feltet {field} har typen {type}, og {other}, som det henviser til, har typen "
            "{other_type}"
        ),
        remedy_en="give both the same type",
        remedy_da="giv begge samme type",
    ),
    "unit-of-other-type": Text(
        en="the field {field} has a unit but is of type {type}",
        da="feltet {field} har en enhed, men typen {type}",
        remedy_en="leave the unit out, or make the field a number",
        remedy_da="udelad enheden, eller gør feltet til et tal",
    ),
    "decimal-of-other-type": Text(
        en="the field {field} has decimal but is of type {type}",
        da="feltet {field} har decimal, men typen {type}",
        remedy_en="leave decimal out, or give the type number",
        remedy_da="udelad decimal, eller angiv typen number",
    ),
    "constraint-of-other-type": Text(
        en="the constraint {constraint} cannot be used on {field}, which is of type {type}",
        da="begrænsningen {constraint} kan ikke bruges på {field}, som har typen {type}",
        remedy_en="leave it out, or correct the type",
        remedy_da="udelad den, eller ret typen",
    ),
    "bound-without-offset": Text(
        en="the {constraint} of {field} states no offset and is read as UTC",
        da="{constraint} for {field} har ingen tidsforskydning og læses som UTC",
        remedy_en="write it like 2026-01-01T00:00:00Z",
        remedy_da="skriv den som 2026-01-01T00:00:00Z",
    ),
    "bounds-crossed": Text(
        en="the {low} of {field} is above this bound, so no value passes",
        da="{low} for {field} ligger over denne grænse, så ingen værdi slipper igennem",
        remedy_en="correct one of the two",
        remedy_da="ret en af de to",
    ),
    "wrong-example": Text(
        en="the example of {field} is {value}, which is no value of that field",
        da="eksemplet på {field} er {value}, som ikke er en værdi af feltet",
        remedy_en="write it as the field's published values are written",
        remedy_da="skriv det, som feltets udgivne værdier skrives",
    ),
    "exclusive-bound": Text(
        en="{field} has an exclusive bound, which Data Package 1 does not know",
        da="{field} har en grænse med exclusive, som Data Package 1 ikke kender",
        remedy_en=(
            'use minimum and maximum, or add "$schema": '
            '"https://datapackage.org/profiles/2.0/datapackage.json"'
        ),
        remedy_da=(
            'brug minimum og maximum, eller tilføj "$schema": '
            '"https://datapackage.org/profiles/2.0/datapackage.json"'
        ),
    ),
    "not-tabular": Text(
        en=(
            "the profile tabular-data-package asks of every table to be tabular-data-resource; "
            "{table} is not"
        ),
        da=(
            "profilen tabular-data-package kræver, at hver tabel er tabular-data-resource; "
            "{table} er det ikke"
        ),
        remedy_en="leave the profiles out",
        remedy_da="udelad profilerne",
    ),
    "wrong-pattern": Text(
        en="the pattern of {field} is no regular expression: {reason}",
        da="mønsteret for {field} er ikke et regulært udtryk: {reason}",
        remedy_en='correct it, such as "[0-9]{{4}}"',
        remedy_da='ret det, som "[0-9]{{4}}"',
    ),
    "property-of-other-type": Text(
        en="{key} says nothing about {field}, which is of type {type}",
        da="{key} siger intet om {field}, som har typen {type}",
        remedy_en="leave it out, or give a type of {types}",
        remedy_da="udelad den, eller angiv en type af {types}",
    ),
    "same-characters": Text(
        en="the field {field} has the same decimalChar and groupChar",
        da="feltet {field} har samme decimalChar og groupChar",
        remedy_en="correct one of the two",
        remedy_da="ret en af de to",
    ),
    "true-and-false": Text(
        en='"{value}" means both true and false in the field {field}',
        da='"{value}" betyder både sandt og falsk i feltet {field}',
        remedy_en="keep it in one of the lists",
        remedy_da="behold den i én af listerne",
    ),
    "guessed-format": Text(
        en='the format "any" guesses, and takes 01-02-2026 for 2 January',
        da='formatet "any" gætter og tager 01-02-2026 for 2. januar',
        remedy_en='write how {field} is written, such as "%d-%m-%Y"',
        remedy_da='skriv, hvordan {field} skrives, som "%d-%m-%Y"',
    ),
    "wrong-format": Text(
        en='"{format}" is no format of the times in {field}',
        da='"{format}" er ikke et format for tiderne i {field}',
        remedy_en='write it with %-codes, such as "{example}"',
        remedy_da='skriv det med %-koder, som "{example}"',
    ),
    "unknown-format": Text(
        en='"{format}" is no format of {field}, which is of type {type}',
        da='"{format}" er ikke et format for {field}, som har typen {type}',
        remedy_en="use one of {allowed}, or leave it out",
        remedy_da="brug et af {allowed}, eller udelad det",
    ),
}
