/* store_pgsql_why.c: why a server cannot be used, in words that say what to do.
 *
 * The texts of libpq and of the server may quote what stands in the URI, a
 * password that got into the wrong place of it among that: they are only
 * compared, and a fixed text is told instead. Owns the last one, per thread. */
#include <string.h>

#include "smartid/store_slot.h"
#include "store_pgsql.h"

/* In this order: of several hosts each has its line, and what is wrong with a
 * server that answers says more than that another does not. Source of the
 * signs: libpq and the server of PostgreSQL 15 (fe-connect.c, fe-auth.c,
 * fe-secure-openssl.c; auth.c, postinit.c). A server that speaks another
 * language than English is told of as one that cannot be reached. */
static const struct {
    const char *sign;
    const char *text;
} reasons[] = {
    {"root certificate file",
     "the certificate of the server's authority is not there, or cannot be "
     "read: name its file with sslrootcert= in the URI"},
    {"certificate verify failed",
     "the server's certificate is not signed by what sslrootcert= names"},
    {"server certificate for",
     "the server's certificate is for another name than the host of the URI"},
    {"server does not support SSL",
     "the server does no TLS, which the URI asks for: set ssl = on there"},
    {"password authentication failed",
     "the server refuses this user or password: correct the line in the file "
     "that passfile= names, or the role"},
    {"no password supplied",
     "the server wants a password: the file that passfile= names is not there, "
     "not readable, not of mode 0600, or has no line for this host, port, "
     "database and user"},
    {"pg_hba.conf",
     "the server's pg_hba.conf does not let this user in from this machine, or "
     "not with this sslmode="},
    {"permission denied for database",
     "the user may not connect to this database: GRANT CONNECT, or make it the "
     "owner"},
    {"role \"", "there is no such user on the server: CREATE ROLE comes first"},
    {"database \"", "there is no such database on the server: createdb -E UTF8 "
                    "-T template0 comes first"},
    {"too many clients", "the server has no connection left: raise its "
                         "max_connections"},
    {"connection slots are reserved",
     "the server has no connection left: raise its max_connections"},
    {"session is read-only",
     "no server that answers can be written to: the primary is away"},
    {"the database system is",
     "the server is starting or stopping: try again in a moment"},
    {"could not translate host name",
     "a host of the URI is not known here: correct its name, or DNS"},
    {"Connection refused",
     "no server is at the host and port of the URI: start it, or correct "
     "the URI"},
    {"timeout expired",
     "the server does not answer: look at the network between, its firewalls, "
     "and IPAddressAllow= in the unit"},
    {"No such file or directory",
     "no server is at the socket of the URI: start it, or correct host="},
    {"invalid ", "a value in the URI is not one that libpq takes"},
};

static const char unreachable[] =
    "the server cannot be reached: psql with the same URI says more";

static _Thread_local const char *last;

const char *
sid_pg_why_not(const char *said) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (strstr(said, reasons[i].sign) != NULL)
            return reasons[i].text;
    }
    return unreachable;
}

void
sid_pg_tell(const char *text) {
    last = text;
}

const char *
sid_store_why(void) {
    return last;
}
