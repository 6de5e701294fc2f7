"""What the API refuses, and why. ``TITLES`` are the short names of HTTP statuses."""

from collections.abc import Mapping

from publisher.messages.text import Text

TITLES: Mapping[int, Text] = {
    400: Text(en="Wrong request", da="Forkert forespørgsel"),
    404: Text(en="Not found", da="Ikke fundet"),
    405: Text(en="Method not allowed", da="Metoden er ikke tilladt"),
    401: Text(en="Key not known", da="Nøglen kendes ikke"),
    429: Text(en="Too much at once", da="For meget på én gang"),
    406: Text(en="No such format", da="Formatet findes ikke"),
    410: Text(en="No longer kept", da="Opbevares ikke længere"),
    413: Text(en="Request too large", da="Forespørgslen er for stor"),
    414: Text(en="Address too long", da="Adressen er for lang"),
    500: Text(en="Internal error", da="Intern fejl"),
    503: Text(en="Not available right now", da="Ikke tilgængelig lige nu"),
    508: Text(en="Goes in a circle", da="Går i ring"),
    504: Text(en="Took too long", da="Det tog for lang tid"),
}

API: dict[str, Text] = {
    # the request as a whole
    "no-such-page": Text(
        en="There is nothing at “{path}”",
        da="Der er intet på “{path}”",
        remedy_en="All addresses are listed at /docs.",
        remedy_da="Alle adresser står på /docs.",
    ),
    "method-not-allowed": Text(
        en="{method} is not allowed at “{path}”",
        da="{method} er ikke tilladt på “{path}”",
        remedy_en="Use one of {choices}.",
        remedy_da="Brug en af {choices}.",
    ),
    "unknown-api-key": Text(
        en="The key is not known, or was revoked",
        da="Nøglen kendes ikke eller er ophævet",
        remedy_en="Leave the Authorization header out, or write `Bearer` and a key that is valid.",
        remedy_da="Udelad headeren Authorization, eller skriv `Bearer` og en gyldig nøgle.",
    ),
    "unknown-api-key-id": Text(
        en="There is no valid key of the id {id}",
        da="Der er ingen gyldig nøgle med id {id}",
        remedy_en="`publisher keys list` shows them.",
        remedy_da="`publisher keys list` viser dem.",
    ),
    "quota-spent": Text(
        en="The quota is spent; some of it is back in {seconds} seconds",
        da="Kvoten er brugt; noget af den er tilbage om {seconds} sekunder",
        remedy_en="Ask for less at a time, or show a key: it has a larger quota.",
        remedy_da="Spørg om mindre ad gangen, eller vis en nøgle: den har en større kvote.",
    ),
    "quota-waiting": Text(
        en="{most} requests of yours wait already",
        da="{most} af dine forespørgsler venter allerede",
        remedy_en="Wait for answers before asking more.",
        remedy_da="Vent på svar, før du spørger om mere.",
    ),
    "not-a-profile": Text(
        en="There is no profile “{value}”",
        da="Der er ingen profil “{value}”",
        remedy_en="Use one of {choices}.",
        remedy_da="Brug en af {choices}.",
    ),
    "not-acceptable": Text(
        en="The Accept header asks for none of the formats there are",
        da="Accept-headeren beder ikke om nogen af de formater, der findes",
        remedy_en="Accept one of {choices}, or state f=.",
        remedy_da="Acceptér en af {choices}, eller angiv f=.",
    ),
    "address-too-long": Text(
        en="The address is longer than {most} bytes",
        da="Adressen er længere end {most} byte",
        remedy_en="Ask with fewer or shorter conditions.",
        remedy_da="Spørg med færre eller kortere betingelser.",
    ),
    "address-not-utf-8": Text(
        en="The address holds bytes that are no UTF-8",
        da="Adressen indeholder byte, der ikke er UTF-8",
        remedy_en="Write each character as the percent codes of its UTF-8 bytes: å is %C3%A5.",
        remedy_da="Skriv hvert tegn som procentkoderne for dets UTF-8-byte: å er %C3%A5.",
    ),
    "wrong-host": Text(
        en="The Host header is no host name, with or without a port",
        da="Host-headeren er intet værtsnavn, med eller uden port",
        remedy_en="Send the name the service is reached by, such as data.example.org.",
        remedy_da="Send det navn, tjenesten nås på, for eksempel data.example.org.",
    ),
    "bad-request": Text(
        en="The request cannot be read",
        da="Forespørgslen kan ikke læses",
        remedy_en="See /docs for how to ask.",
        remedy_da="Se på /docs, hvordan man spørger.",
    ),
    "internal-error": Text(
        en="Something went wrong here, not with your request; it was noted as {id}",
        da="Noget gik galt her, ikke med din forespørgsel; det er noteret som {id}",
        remedy_en="Try again later, and tell us that number if it lasts.",
        remedy_da="Prøv igen senere, og oplys nummeret, hvis det bliver ved.",
    ),
    "not-available": Text(
        en="The data cannot be read right now; it was noted as {id}",
        da="Data kan ikke læses lige nu; det er noteret som {id}",
        remedy_en="Try again in a little while.",
        remedy_da="Prøv igen om lidt.",
    ),
    "queries-waiting": Text(
        en="So many queries wait that this one did not begin within {seconds} seconds",
        da="Så mange forespørgsler venter, at denne ikke begyndte inden for {seconds} sekunder",
        remedy_en="Try again in a little while.",
        remedy_da="Prøv igen om lidt.",
    ),
    "query-timeout": Text(
        en="The query took more than {seconds} seconds and was stopped",
        da="Forespørgslen tog mere end {seconds} sekunder og blev stoppet",
        remedy_en="Narrow it with time= or another condition, or ask for fewer rows.",
        remedy_da="Afgræns den med time= eller en anden betingelse, eller bed om færre rækker.",
    ),
    # what there is
    "file-not-found": Text(
        en="There is no file {file} of the dataset {dataset}",
        da="Der er ingen fil {file} i datasættet {dataset}",
        remedy_en="Its files are named in /published/{dataset}/datapackage.json, where it is "
        "published as files.",
        remedy_da="Filerne nævnes i /published/{dataset}/datapackage.json, hvis det udgives som "
        "filer.",
    ),
    "dataset-not-found": Text(
        en="There is no dataset “{dataset}”",
        da="Der er intet datasæt “{dataset}”",
        remedy_en="/v1/datasets lists those there are.",
        remedy_da="/v1/datasets viser dem, der findes.",
    ),
    "table-not-found": Text(
        en="The dataset “{dataset}” has no table “{table}”",
        da="Datasættet “{dataset}” har ingen tabel “{table}”",
        remedy_en="The dataset's page lists its tables.",
        remedy_da="Datasættets side viser dets tabeller.",
    ),
    "schema-not-found": Text(
        en="There is no schema “{schema}”",
        da="Der er intet skema “{schema}”",
        remedy_en="/v1/schemas lists those there are, with their versions.",
        remedy_da="/v1/schemas viser dem, der findes, med deres versioner.",
    ),
    "source-not-found": Text(
        en="There is no source “{source}”",
        da="Der er ingen kilde “{source}”",
        remedy_en="/v1/sources lists those there are.",
        remedy_da="/v1/sources viser dem, der findes.",
    ),
    "dataset-without-rows": Text(
        en="The dataset “{dataset}” holds no rows yet",
        da="Datasættet “{dataset}” har ingen rækker endnu",
        remedy_en="It is in the catalog once its first delivery is stored.",
        remedy_da="Det kommer med i kataloget, når dets første leverance er gemt.",
    ),
    "page-not-found": Text(
        en="The catalog has no page {page}; the last is {last}",
        da="Kataloget har ingen side {page}; den sidste er {last}",
        remedy_en="Begin with the first page, and follow hydra:next.",
        remedy_da="Begynd med den første side, og følg hydra:next.",
    ),
    "unknown-version": Text(
        en="{table} has no version {version}; the newest is {newest}",
        da="{table} har ingen version {version}; den nyeste er {newest}",
        remedy_en="Leave version out to get the newest.",
        remedy_da="Udelad version for at få den nyeste.",
    ),
}
