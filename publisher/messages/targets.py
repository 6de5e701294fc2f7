from publisher.messages.text import Text

TARGETS: dict[str, Text] = {
    "nothing-to-publish": Text(
        en="{dataset} holds no rows yet: nothing is published",
        da="{dataset} har ingen rækker endnu: intet udgives",
        remedy_en="Harvest it first: publisher harvest {dataset}",
        remedy_da="Høst det først: publisher harvest {dataset}",
    ),
    "dataset-is-draft": Text(
        en="{dataset} is a draft: it is not published at {target}",
        da="{dataset} er en kladde: det udgives ikke på {target}",
        remedy_en="Write `access: public` under `publish` when it may be seen by everybody.",
        remedy_da="Skriv `access: public` under `publish`, når alle må se det.",
    ),
    "target-not-listed": Text(
        en="{dataset} does not name {target} among its targets",
        da="{dataset} nævner ikke {target} blandt sine mål",
        remedy_en="Add it to `targets` under `publish` in the dataset's file.",
        remedy_da="Tilføj det til `targets` under `publish` i datasættets fil.",
    ),
    "unsafe-path": Text(
        en='The `path` of {table} leads outside the dataset\'s folder: "{path}"',
        da='`path` for {table} fører ud af datasættets mappe: "{path}"',
        remedy_en="Give a plain file name such as observations.csv.",
        remedy_da="Angiv et almindeligt filnavn som observations.csv.",
    ),
    "folder-occupied": Text(
        en="{path} is there already, and Publisher did not make it",
        da="{path} findes allerede og er ikke lavet af Publisher",
        remedy_en="Move it away, or give the folder target another `path`.",
        remedy_da="Flyt den, eller giv mappemålet en anden `path`.",
    ),
    "folder-unusable": Text(
        en="The folder {path} cannot be written: {reason}",
        da="Der kan ikke skrives i mappen {path}: {reason}",
        remedy_en="See that it is there and that the service's user may write to it.",
        remedy_da="Sørg for, at den findes, og at tjenestens bruger må skrive i den.",
    ),
    "ckan-organization-unmapped": Text(
        en="The target at {url} names no organisation for the publisher {publisher}",
        da="Målet på {url} angiver ingen organisation for udgiveren {publisher}",
        remedy_en="Add {publisher} to the target's `organizations` in catalog/targets.yaml.",
        remedy_da="Tilføj {publisher} til målets `organizations` i catalog/targets.yaml.",
    ),
    "ckan-organization-missing": Text(
        en="CKAN at {url} has no organisation {organization}, which {publisher} is to publish in",
        da="CKAN på {url} har ingen organisation {organization}, som {publisher} skal udgive i",
        remedy_en="Have the site's administrator create it, or mend its name in "
        "catalog/targets.yaml.",
        remedy_da="Få sitets administrator til at oprette den, eller ret navnet i "
        "catalog/targets.yaml.",
    ),
    "ckan-refused": Text(
        en="CKAN at {url} does not accept the token, or it may not do this ({action})",
        da="CKAN på {url} accepterer ikke tokenet, eller det må ikke gøre dette ({action})",
        remedy_en="Check that the token is valid and belongs to an editor of the organisation.",
        remedy_da="Kontrollér, at tokenet er gyldigt og tilhører en redaktør i organisationen.",
    ),
    "ckan-not-ours": Text(
        en="CKAN at {url} has a dataset {name} that this installation did not publish",
        da="CKAN på {url} har et datasæt {name}, som denne installation ikke har udgivet",
        remedy_en="Rename the dataset here, or remove the one there if it is meant to be replaced.",
        remedy_da="Omdøb datasættet her, eller fjern det på sitet, hvis det skal erstattes.",
    ),
    "ckan-null-key": Text(
        en="A row of {table} has no value in {field}, which is part of its primary key",
        da="En række i {table} mangler en værdi i {field}, som indgår i primærnøglen",
        remedy_en="Make the field required, or leave it out of the schema's primaryKey.",
        remedy_da="Gør feltet påkrævet, eller udelad det af skemaets primaryKey.",
    ),
    "ckan-differs": Text(
        en="CKAN holds {held} rows of {table} where {wanted} were sent",
        da="CKAN har {held} rækker af {table}, hvor {wanted} blev sendt",
        remedy_en="Something else writes to that table; the next try loads it anew.",
        remedy_da="Noget andet skriver i den tabel; næste forsøg indlæser den forfra.",
    ),
    "ckan-settling": Text(
        en="Newer rows of {table} wait {seconds} seconds: CKAN left a request unanswered and "
        "may yet carry it out",
        da="Nyere rækker i {table} venter {seconds} sekunder: CKAN lod en forespørgsel være "
        "ubesvaret og kan endnu udføre den",
        remedy_en="They are sent by themselves afterwards. The target's `late` in "
        "catalog/targets.yaml says how long that is.",
        remedy_da="De sendes af sig selv bagefter. Målets `late` i catalog/targets.yaml siger, "
        "hvor længe der ventes.",
    ),
    "ckan-contested": Text(
        en="Somebody else keeps changing the dataset {name} at {url}",
        da="En anden bliver ved med at ændre datasættet {name} på {url}",
        remedy_en="It is tried again. See who else writes to it, by the site's activity list.",
        remedy_da="Det prøves igen. Se i sitets aktivitetsliste, hvem der ellers skriver i det.",
    ),
    "ckan-rows-refused": Text(
        en="CKAN does not take {rows} rows of {table}: {reasons}",
        da="CKAN tager ikke imod {rows} rækker af {table}: {reasons}",
        remedy_en="All others are there. Mend the value at its source, or constrain the field "
        "in the schema so that such rows go to quarantine.",
        remedy_da="Alle andre er der. Ret værdien ved kilden, eller begræns feltet i skemaet, så "
        "den slags rækker går i karantæne.",
    ),
    "ckan-group-closed": Text(
        en="{dataset} cannot be put in the group {group}: the site has none, or the token may "
        "not use it",
        da="{dataset} kan ikke lægges i gruppen {group}: sitet har den ikke, eller tokenet må "
        "ikke bruge den",
        remedy_en="Ask the site's administrator, or mend the target's `groups`.",
        remedy_da="Spørg sitets administrator, eller ret målets `groups`.",
    ),
    "ckan-profile": Text(
        en="{dataset} does not meet the portal's rules: {problems}",
        da="{dataset} opfylder ikke portalens regler: {problems}",
        remedy_en="Mend what is named; `publisher check` tells the line and the remedy.",
        remedy_da="Ret det nævnte; `publisher check` angiver linjen og råd.",
    ),
    "portal-format": Text(
        en='the portal refuses resources of the format "{format}"',
        da='portalen afviser ressourcer med formatet "{format}"',
        remedy_en='write one format of its list for all resources, such as "{nearest}"',
        remedy_da='skriv ét format fra dens liste for alle ressourcer, som "{nearest}"',
        alone_en="write one format of its list for all resources, such as CSV, or leave the line "
        "out: each resource then has its own",
        alone_da="skriv ét format fra dens liste for alle ressourcer, som CSV, eller udelad "
        "linjen: så får hver ressource sit eget",
    ),
    "portal-short-name": Text(
        en="the portal takes no `name` of one letter",
        da="portalen tager ikke et `name` på ét bogstav",
        remedy_en="give the dataset a `name` of two letters or more",
        remedy_da="giv datasættet et `name` på to bogstaver eller flere",
    ),
    "portal-no-description": Text(
        en="the portal asks for `description`, and there is none",
        da="portalen kræver `description`, og der er ingen",
        remedy_en="write `description`: what is measured, where, how often",
        remedy_da="skriv `description`: hvad der måles, hvor og hvor tit",
    ),
    "portal-no-email": Text(
        en="the portal asks for an e-mail address, and neither the organisation "
        "nor `contactPoint` has one",
        da="portalen kræver en e-mailadresse, og hverken organisationen "
        "eller `contactPoint` har en",
        remedy_en="give the organisation an `email` in catalog/organizations.yaml, "
        "or the dataset a `contactPoint`",
        remedy_da="giv organisationen en `email` i catalog/organizations.yaml, "
        "eller datasættet et `contactPoint`",
    ),
    "ckan-too-large": Text(
        en="CKAN at {url} takes no request as large as one row needs ({action})",
        da="CKAN på {url} tager ikke imod en forespørgsel så stor, som én række kræver ({action})",
        remedy_en="Have the site's administrator raise the largest request allowed.",
        remedy_da="Få sitets administrator til at hæve den største tilladte forespørgsel.",
    ),
    "ckan-unreachable": Text(
        en="CKAN at {url} cannot be reached",
        da="CKAN på {url} kan ikke nås",
        remedy_en="Publishing goes on by itself once it answers.",
        remedy_da="Udgivelsen fortsætter af sig selv, når det svarer.",
    ),
    "ckan-certificate": Text(
        en="The certificate of CKAN at {url} is not accepted",
        da="Certifikatet for CKAN på {url} accepteres ikke",
        remedy_en="Have the site's administrator renew it; it is never skipped.",
        remedy_da="Få sitets administrator til at forny det; det springes aldrig over.",
    ),
    "ckan-timeout": Text(
        en="CKAN at {url} did not answer within {seconds} seconds ({action})",
        da="CKAN på {url} svarede ikke inden for {seconds} sekunder ({action})",
        remedy_en="It is tried again; a slow site may need a larger `timeout` "
        "in catalog/targets.yaml.",
        remedy_da="Det prøves igen; et langsomt site kan behøve en større `timeout` "
        "i catalog/targets.yaml.",
    ),
    "ckan-failed": Text(
        en="CKAN at {url} failed with status {status} ({action})",
        da="CKAN på {url} fejlede med status {status} ({action})",
        remedy_en="It is tried again. If it stays so, the site's log tells why.",
        remedy_da="Det prøves igen. Bliver det ved, fortæller sitets log hvorfor.",
    ),
    "ckan-missing": Text(
        en="CKAN at {url} no longer has what was to be changed ({action})",
        da="CKAN på {url} har ikke længere det, der skulle ændres ({action})",
        remedy_en="The next try makes it anew.",
        remedy_da="Næste forsøg laver det på ny.",
    ),
    "ckan-rejected": Text(
        en="CKAN at {url} did not accept {action}: {faults}",
        da="CKAN på {url} accepterede ikke {action}: {faults}",
        remedy_en="Mend what is named there in the dataset's file or schema.",
        remedy_da="Ret det nævnte i datasættets fil eller skema.",
    ),
    "ckan-strange": Text(
        en="What answers at {url} is no CKAN ({action}, status {status})",
        da="Det, der svarer på {url}, er ikke CKAN ({action}, status {status})",
        remedy_en="Check the target's `url` in catalog/targets.yaml, its scheme included.",
        remedy_da="Kontrollér målets `url` i catalog/targets.yaml, også om det er https.",
    ),
}
