from publisher.messages.text import Text

SOURCES: dict[str, Text] = {
    # The landing
    "too-large": Text(
        en="{origin} is larger than {limit}, the most that is accepted",
        da="{origin} er større end {limit}, som er det højeste, der modtages",
        remedy_en=(
            "have the source deliver in smaller parts, or raise the setting max_delivery_bytes "
            "or the source's maxBytes"
        ),
        remedy_da=(
            "få kilden til at levere i mindre dele, eller hæv indstillingen max_delivery_bytes "
            "eller kildens maxBytes"
        ),
    ),
    "no-longer-landed": Text(
        en="the raw delivery {sha256} is not kept any longer",
        da="den rå leverance {sha256} opbevares ikke længere",
        remedy_en="harvest the source again; landing_keep_days says how long deliveries are kept",
        remedy_da="høst kilden igen; landing_keep_days bestemmer, hvor længe leverancer opbevares",
    ),
    "landing-damaged": Text(
        en="the raw delivery {sha256} has changed on disk since it landed",
        da="den rå leverance {sha256} er ændret på disken, siden den blev modtaget",
        remedy_en="examine the disk, then harvest the source again: the same bytes mend the file",
        remedy_da="undersøg disken, og høst så kilden igen: de samme data reparerer filen",
    ),
    "landing-unusable": Text(
        en="the landing cannot be written: {reason}",
        da="der kan ikke skrives i modtagelsen: {reason}",
        remedy_en="see that the data folder is there and that the service may write to it",
        remedy_da="se, at datamappen findes, og at tjenesten må skrive i den",
    ),
    # Files
    "file-missing": Text(
        en="{file} does not exist",
        da="{file} findes ikke",
        remedy_en="correct the source's path, or see that the share it is on is mounted",
        remedy_da="ret kildens path, eller se, at det delte drev er tilgængeligt",
    ),
    "file-denied": Text(
        en="{file} may not be read by the service",
        da="tjenesten har ikke lov til at læse {file}",
        remedy_en="give the user that Publisher runs as permission to read it and its folder",
        remedy_da="giv den bruger, som Publisher kører som, lov til at læse filen og dens mappe",
    ),
    "file-loop": Text(
        en="{file} is a symbolic link that leads back to itself",
        da="{file} er en symbolsk lænke, der fører tilbage til sig selv",
        remedy_en="remove the link, or let it point to the file",
        remedy_da="fjern lænken, eller lad den pege på filen",
    ),
    "file-outside": Text(
        en="{file} is a link that leads out of {folder}",
        da="{file} er en lænke, der fører ud af {folder}",
        remedy_en=(
            "replace it by the file itself, or state where that is as the source's path; links in "
            "an inbox are followed only within it"
        ),
        remedy_da=(
            "erstat den med selve filen, eller angiv filens egen plads som kildens path; lænker i "
            "en indbakke følges kun inden for den"
        ),
    ),
    "file-special": Text(
        en="{file} is a pipe, a socket or a device, not a file",
        da="{file} er et rør, en socket eller en enhed, ikke en fil",
        remedy_en="have the source write an ordinary file",
        remedy_da="få kilden til at skrive en almindelig fil",
    ),
    "file-unreadable": Text(
        en="{file} cannot be read: {reason}",
        da="{file} kan ikke læses: {reason}",
        remedy_en="see that the disk or share is well; it is tried again at the next run",
        remedy_da="se, at disken eller det delte drev virker; der prøves igen ved næste kørsel",
    ),
    "file-changing": Text(
        en="{file} was changed again and again while it was read",
        da="{file} blev ændret igen og igen, mens den blev læst",
        remedy_en=(
            "have the source write under another name and rename the file when it is complete; "
            "it is tried again at the next run"
        ),
        remedy_da=(
            "få kilden til at skrive under et andet navn og omdøbe filen, når den er færdig; "
            "der prøves igen ved næste kørsel"
        ),
    ),
    "files-unusable": Text(
        en="{count} files could not be used: {problems}",
        da="{count} filer kunne ikke bruges: {problems}",
        remedy_en="put each right; the other files have been taken",
        remedy_da="bring hver af dem i orden; de øvrige filer er taget med",
    ),
    "and-more": Text(
        en="and {count} more",
        da="og {count} til",
    ),
    # HTTP
    "http-url": Text(
        en="{url} is no address that can be asked",
        da="{url} er ikke en adresse, der kan spørges",
        remedy_en="write the source's url as http:// or https:// and a host, and see its variables",
        remedy_da="skriv kildens url som http:// eller https:// med en vært, og se dens variable",
    ),
    "http-header": Text(
        en="the header {header!r} for {url} cannot be sent: its name or value has characters "
        "that do not belong there",
        da="headeren {header!r} til {url} kan ikke sendes: dens navn eller værdi har tegn, der "
        "ikke hører til",
        remedy_en="correct the source's headers, and see that the secret holds no line breaks",
        remedy_da="ret kildens headers, og se, at hemmeligheden er uden linjeskift",
    ),
    "http-refused": Text(
        en="{url} refused us with status {status}",
        da="{url} afviste os med status {status}",
        remedy_en="check the token (of a source: headers, of a partner: token); is it valid?",
        remedy_da="tjek tokenet (en kildes headers, en partners token); gælder det?",
    ),
    "http-missing": Text(
        en="there is nothing at {url} (status {status})",
        da="der er intet på {url} (status {status})",
        remedy_en="ask them whether the address has moved, and correct url",
        remedy_da="spørg dem, om adressen er flyttet, og ret url",
    ),
    "http-status": Text(
        en="{url} answered with status {status} instead of data",
        da="{url} svarede med status {status} i stedet for data",
        remedy_en="see the source's documentation for what it wants to be asked",
        remedy_da="se i kildens dokumentation, hvordan den vil spørges",
    ),
    "http-busy": Text(
        en="{url} could not answer now (status {status})",
        da="{url} kunne ikke svare nu (status {status})",
        remedy_en="it is asked again at the next run; if it goes on, ask those who run it",
        remedy_da="der spørges igen ved næste kørsel; bliver det ved, så spørg dem, der driver den",
    ),
    "http-timeout": Text(
        en="{url} did not deliver in time",
        da="{url} leverede ikke i tide",
        remedy_en=(
            "it is asked again later; a slow source needs larger settings http_timeout and "
            "http_total_timeout, a slow partner a larger timeout in its entry"
        ),
        remedy_da=(
            "der spørges igen senere; en langsom kilde kræver større indstillinger http_timeout og "
            "http_total_timeout, en langsom partner en større timeout i sin post"
        ),
    ),
    "http-connection": Text(
        en="no connection to {url}: {reason}",
        da="ingen forbindelse til {url}: {reason}",
        remedy_en="see that the source is running and that no firewall stands between",
        remedy_da="se, at kilden kører, og at ingen firewall står imellem",
    ),
    "http-no-host": Text(
        en="the host {host} of {url} has no address",
        da="værten {host} i {url} har ingen adresse",
        remedy_en="correct the host in the source's url, or see that name resolution works here",
        remedy_da="ret værten i kildens url, eller se, at navneopslag virker her",
    ),
    "http-cut-off": Text(
        en="the answer of {url} broke off before it was complete, or was damaged on the way",
        da="svaret fra {url} blev afbrudt, før det var helt, eller blev ødelagt undervejs",
        remedy_en="it is asked again at the next run; nothing of the incomplete answer was used",
        remedy_da="der spørges igen ved næste kørsel; intet af det ufuldstændige svar er brugt",
    ),
    "http-broken": Text(
        en="what {url} answered is no HTTP that can be read",
        da="det, {url} svarede, er ikke HTTP, der kan læses",
        remedy_en="see that address and port are those of a web server, and ask those who run it",
        remedy_da="se, at adresse og port er en webservers, og spørg dem, der driver den",
    ),
    "http-coding": Text(
        en="{url} answers in the content coding {coding!r}, which was not asked for",
        da="{url} svarer med indholdskodningen {coding!r}, som der ikke blev bedt om",
        remedy_en="leave Accept-Encoding out of the source's headers, or have the source send gzip",
        remedy_da="udelad Accept-Encoding i kildens headers, eller få kilden til at sende gzip",
    ),
    "http-certificate": Text(
        en="the certificate of {url} cannot be trusted: {reason}",
        da="certifikatet for {url} er ikke til at stole på: {reason}",
        remedy_en=(
            "have the source renew it; for a certificate authority of your own, name its file in "
            "the environment variable SSL_CERT_FILE"
        ),
        remedy_da=(
            "få kilden til at forny det; har I jeres egen certifikatudsteder, så angiv dens fil i "
            "miljøvariablen SSL_CERT_FILE"
        ),
    ),
    "http-redirects": Text(
        en="{url} redirects more than {count} times",
        da="{url} viderestiller mere end {count} gange",
        remedy_en="write the address it should end at as the source's url",
        remedy_da="skriv den adresse, det skal ende på, som kildens url",
    ),
    "http-elsewhere": Text(
        en="{url} leads to another server ({host})",
        da="{url} fører til en anden server ({host})",
        remedy_en=(
            "is it a page to log in on, a token is wanted; otherwise state the address it ends at, "
            "or allow the host in PUBLISHER_HTTP_ALLOW_HOSTS"
        ),
        remedy_da=(
            "er det en side, man skal logge ind på, kræves et token; angiv ellers den adresse, det "
            "ender på, eller tillad værten i PUBLISHER_HTTP_ALLOW_HOSTS"
        ),
    ),
    "http-redirect-broken": Text(
        en="{url} redirects to something that is no web address",
        da="{url} viderestiller til noget, der ikke er en webadresse",
        remedy_en="ask the source for its right address",
        remedy_da="spørg kilden om dens rigtige adresse",
    ),
    "http-downgrade": Text(
        en="{url} redirects from https to {host} without encryption",
        da="{url} viderestiller fra https til {host} uden kryptering",
        remedy_en="ask the source to redirect to https",
        remedy_da="bed kilden om at viderestille til https",
    ),
    "http-address": Text(
        en="{url} leads to {host}, whose address {address} may not be connected to",
        da="{url} fører til {host}, hvis adresse {address} der ikke må forbindes til",
        remedy_en=(
            "if that private host is right, name it in the setting http_allow_hosts, or state "
            "privateNetwork of a partner; link-local addresses are never connected to"
        ),
        remedy_da=(
            "er den private vært rigtig, så nævn den i indstillingen http_allow_hosts, eller angiv "
            "privateNetwork for en partner; link-local adresser forbindes der aldrig til"
        ),
    ),
}
