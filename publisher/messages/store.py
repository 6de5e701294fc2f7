from publisher.messages.text import Text

STORE: dict[str, Text] = {
    "store-busy": Text(
        en="Another process holds this data folder and does not answer",
        da="En anden proces har denne datamappe åben og svarer ikke",
        remedy_en="Stop that process, or wait until it has finished.",
        remedy_da="Stop den proces, eller vent til den er færdig.",
    ),
    "store-unusable": Text(
        en="The store cannot be read or written: {reason}",
        da="Lageret kan ikke læses eller skrives: {reason}",
        remedy_en="Look at the disk and the rights of the data folder, then start again. "
        "If the file is damaged, restore the newest backup.",
        remedy_da="Se efter disken og rettighederne til datamappen, og start igen. "
        "Er filen beskadiget, så gendan den nyeste sikkerhedskopi.",
    ),
    "storage-full": Text(
        en="The disk is full; nothing of this step was kept",
        da="Disken er fuld; intet af dette trin blev gemt",
        remedy_en="Make room on the disk that holds the data folder. The next run goes on by "
        "itself.",
        remedy_da="Skaf plads på den disk, som datamappen ligger på. "
        "Næste kørsel fortsætter af sig selv.",
    ),
    "engine-memory": Text(
        en="The work at hand needs more memory than the engine may hold: {reason}",
        da="Arbejdet kræver mere hukommelse, end motoren må bruge: {reason}",
        remedy_en="Raise the setting memory_limit, or have the source deliver in smaller parts.",
        remedy_da="Hæv indstillingen memory_limit, eller få kilden til at levere i mindre dele.",
    ),
    "store-format-newer": Text(
        en="The store was written by a newer Publisher (format {found}, this one knows {known})",
        da="Lageret er skrevet af en nyere Publisher (format {found}, denne kender {known})",
        remedy_en="Install the newer version, or restore a backup made by this one.",
        remedy_da="Installér den nyere version, eller gendan en sikkerhedskopi lavet af denne.",
    ),
    "no-version-yet": Text(
        en="{table} had no version yet at {instant}",
        da="{table} havde endnu ingen version den {instant}",
        remedy_en="Ask for a later instant.",
        remedy_da="Spørg om et senere tidspunkt.",
    ),
    "version-gone": Text(
        en="That version of {table} is not kept any longer; the oldest kept is {oldest}",
        da="Den version af {table} opbevares ikke længere; den ældste er {oldest}",
        remedy_en="Ask for version {oldest} or a newer one. "
        "How long versions are kept is set by harvest.history.",
        remedy_da="Spørg om version {oldest} eller en nyere. "
        "Hvor længe versioner opbevares, bestemmes af harvest.history.",
    ),
    "shrunk": Text(
        en="{removed} of the {rows} rows of {table} would go ({share}); at most {limit} may",
        da="{removed} af de {rows} rækker i {table} ville forsvinde ({share}); højst {limit} må",
        remedy_en="If the source is right, raise harvest.maxShrink and harvest again. "
        "The last good version stands until then.",
        remedy_da="Hvis kilden har ret, så hæv harvest.maxShrink og høst igen. "
        "Den sidste gode version står indtil da.",
    ),
    "schema-field-removed": Text(
        en="The field {field} of {table} is gone from the schema, but rows hold values of it",
        da="Feltet {field} i {table} er fjernet fra skemaet, men der er rækker med værdier i det",
        remedy_en="Put the field back. To publish without it, make a new table with the new "
        "schema.",
        remedy_da="Sæt feltet ind igen. Vil du udgive uden det, så lav en ny tabel "
        "med det nye skema.",
    ),
    "schema-field-required": Text(
        en="The new field {field} of {table} is required, but the rows there are have no "
        "value for it",
        da="Det nye felt {field} i {table} er påkrævet, men de eksisterende rækker "
        "har ingen værdi i det",
        remedy_en="Add the field without required. It can be made required once every row has a "
        "value.",
        remedy_da="Tilføj feltet uden required. Det kan gøres påkrævet, når alle rækker har en "
        "værdi.",
    ),
    "schema-type-changed": Text(
        en="The field {field} of {table} changed its type from {before} to {after}, "
        "but rows hold values of the old type",
        da="Feltet {field} i {table} har skiftet type fra {before} til {after}, "
        "men der er rækker med værdier af den gamle type",
        remedy_en="Put the type back, or add a field of another name with the new type.",
        remedy_da="Sæt typen tilbage, eller tilføj et felt med et andet navn og den nye type.",
    ),
    "schema-unit-changed": Text(
        en="The field {field} of {table} changed its unit from {before} to {after}, "
        "but rows hold values in the old unit",
        da="Feltet {field} i {table} har skiftet enhed fra {before} til {after}, "
        "men der er rækker med værdier i den gamle enhed",
        remedy_en="Put the unit back. If only the source changed, state its unit in "
        "harvest.fields: "
        "values are converted.",
        remedy_da="Sæt enheden tilbage. Er det kun kilden, der er ændret, så angiv dens enhed "
        "i harvest.fields: værdierne omregnes.",
    ),
    "schema-key-changed": Text(
        en="The primary key of {table} changed from {before} to {after}, "
        "but rows are stored under the old one",
        da="Primærnøglen i {table} er ændret fra {before} til {after}, "
        "men der er gemt rækker under den gamle",
        remedy_en="Put the key back, or make a new table with the new schema.",
        remedy_da="Sæt nøglen tilbage, eller lav en ny tabel med det nye skema.",
    ),
    "schema-narrowed": Text(
        en="The constraint {constraint} of the field {field} of {table} "
        "does not hold for {rows} stored values",
        da="Betingelsen {constraint} for feltet {field} i {table} "
        "holder ikke for {rows} gemte værdier",
        remedy_en="Widen the constraint, or let the source correct those rows first.",
        remedy_da="Gør betingelsen videre, eller lad kilden rette de rækker først.",
    ),
    "schema-constraint-unproven": Text(
        en="Whether the constraint {constraint} of the field {field} of {table} holds "
        "for the stored rows cannot be proved",
        da="Det kan ikke bevises, at betingelsen {constraint} for feltet {field} i {table} "
        "holder for de gemte rækker",
        remedy_en="Put the constraint back as it was, or make a new table with the new schema.",
        remedy_da="Sæt betingelsen tilbage, som den var, eller lav en ny tabel med det nye skema.",
    ),
    "backup-not-empty": Text(
        en="{path} exists and is not empty",
        da="{path} findes og er ikke tom",
        remedy_en="Name a folder that is empty or does not exist yet.",
        remedy_da="Angiv en mappe, der er tom eller endnu ikke findes.",
    ),
    "backup-missing": Text(
        en="{path} holds no backup made by Publisher",
        da="{path} indeholder ingen sikkerhedskopi lavet af Publisher",
        remedy_en="Name the folder that `publisher backup` wrote; it holds manifest.json.",
        remedy_da="Angiv den mappe, som `publisher backup` skrev; den indeholder manifest.json.",
    ),
    "backup-damaged": Text(
        en="The backup is damaged: {file} is missing or not as the manifest says",
        da="Sikkerhedskopien er beskadiget: {file} mangler eller er ikke, som manifestet siger",
        remedy_en="Use another backup; nothing was restored.",
        remedy_da="Brug en anden sikkerhedskopi; intet blev gendannet.",
    ),
    "restore-unfinished": Text(
        en="A restore into {path} was cut off half-way",
        da="En gendannelse i {path} blev afbrudt halvvejs",
        remedy_en="Run `publisher restore` again with the same backup.",
        remedy_da="Kør `publisher restore` igen med den samme sikkerhedskopi.",
    ),
    "export-unwritable": Text(
        en="{path} cannot be written: {reason}",
        da="{path} kan ikke skrives: {reason}",
        remedy_en="Name a file in a folder that is there and may be written to.",
        remedy_da="Angiv en fil i en mappe, der findes, og som der må skrives i.",
    ),
    "backup-unwritable": Text(
        en="{path} cannot be written: {reason}",
        da="{path} kan ikke skrives: {reason}",
        remedy_en="Look at the disk and the rights of the folder.",
        remedy_da="Se efter disken og rettighederne til mappen.",
    ),
}
