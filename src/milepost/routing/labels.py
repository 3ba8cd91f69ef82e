"""The labels that owners write, as one table: parser, reference page and tests all read it.

`HAPROXY_{n}_NAME` belongs to the app's port with index n, `HAPROXY_NAME` to the whole app. The names and
meanings are marathon-lb's (marathon-lb-behaviour.md 10), but for those that say to be our own, and RETRY_ON.
"""

from typing import Any

from milepost.model.routing import Binding
from milepost.routing import bind_options, grammar, grammar_hosts, grammar_lines, grammar_traffic
from milepost.routing.deployment_labels import DEPLOYMENT
from milepost.routing.label import Label, Scope

GROUP = Label(
    "GROUP",
    Scope.APP | Scope.PORT,
    grammar.read_groups,
    grammar.read_groups_as_written,
    "none",
    "Groups, separated by commas. A port is taken by the balancers that serve one of them. The label of a port "
    "replaces that of the app, also when it is empty.",
)
ENABLED = Label(
    "ENABLED",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "true, in strict mode false",
    "Whether the port is served at all.",
)
PORT = Label(
    "PORT",
    Scope.PORT,
    grammar.read_port,
    grammar.read_port_as_written,
    "the service port",
    "The port on which the balancer listens for this port of the app.",
)
BIND_ADDR = Label(
    "BIND_ADDR",
    Scope.PORT,
    grammar.read_bind_address,
    grammar.read_bind_address_as_written,
    "the balancer's own addresses",
    "The address on which the balancer listens for this port: an IP address, or * for all. The shared ports for "
    "hosts and app ids do not change with it.",
)
MODE = Label(
    "MODE",
    Scope.PORT,
    grammar.read_mode,
    grammar.read_mode_as_written,
    "http with an HTTP health check or a VHOST, else tcp",
    "What is balanced: the requests of http, or the connections of tcp.",
)
BALANCE = Label(
    "BALANCE",
    Scope.PORT,
    grammar.read_balance,
    grammar.read_balance_as_written,
    "roundrobin",
    "How a server is chosen: an algorithm of HAProxy's `balance` with its arguments.",
)
STICKY = Label(
    "STICKY",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "false",
    "Whether a client comes back to the server it was at before, by a cookie.",
)
RETRY_ON = Label(
    "RETRY_ON",
    Scope.PORT,
    grammar.read_retries,
    grammar.read_retries,
    "conn-failure, empty-response",
    "After which failures a request is sent again, to another task: conn-failure (no connection), empty-response (the "
    "task closed it without an answer), junk-response, response-timeout, or a status such as 503; none for never. The "
    "list is the whole: conn-failure has to be named too. After a failed connection every request is sent again; after "
    "any other failure the task may have done what it was asked, and only GET, HEAD and OPTIONS are. With any-method "
    "in the list all are: for apps that may be asked twice for the same. Needs mode http.",
)
VHOST = Label(
    "VHOST",
    Scope.PORT,
    grammar_hosts.read_hosts,
    grammar.read_hosts_as_written,
    "none",
    "Hosts, separated by commas, under which the shared HTTP and HTTPS ports lead here: names; `*.a.example` for all "
    "names below a.example, at any depth; `~` and a regular expression, or one between `^` and `$`, for all names that "
    "it fits as a whole; `*` for all. Names come before patterns; of these come the wildcards first, then the "
    "expressions, of each the longer first, then `*`. A host that is limited to a PATH leaves other paths to the next "
    "that fits. An expression is of "
    "letters, digits, `-`, `_`, `\\.`, `\\d`, `.`, `[a-z]` and `(a|b)`; `? * + {2,3}` stand behind single characters, "
    "only `?` behind a group, and one or two of `*` and `+` are possible. A new pattern costs a reload, a name does "
    "not. Upper and lower case are the same; a port behind a name is ignored. Needs mode http.",
)
PATH = Label(
    "PATH",
    Scope.PORT,
    grammar.read_path,
    grammar.read_path_as_written,
    "every path",
    "Beginnings of paths, separated by blanks, to which VHOST is limited; -i before them for any case. Without a VHOST "
    "they lead here on every host, behind all rules for hosts, the longer first. Needs mode http.",
)
LISTEN = Label(
    "LISTEN",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth,
    "true",
    "Whether the balancer listens on this port at all. With false the service is reached on the shared ports only, by "
    "its hosts, paths or app id, and the port is free for another app. milepost's own label.",
)
STRIP_PATH = Label(
    "STRIP_PATH",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth,
    "false",
    "Whether the PATH that fits is cut off before a task is asked: with PATH /api a request for /api/users?page=2 asks "
    "for /users?page=2, one for /api asks for /. The host and the query stay, and so does what only begins alike "
    "(/apis). Of several paths the longest that fits is cut, at the service's own port too, and before "
    "HTTP_BACKEND_PROXYPASS_PATH has its turn. Needs mode http and PATH. "
    "milepost's own label.",
)
TIMEOUT_SERVER = Label(
    "TIMEOUT_SERVER",
    Scope.PORT,
    grammar_traffic.read_duration,
    grammar_traffic.read_duration,
    "30s",
    "How long a task may be silent before it has answered, 100ms to 7d (ms, s, m, h, d). Then the client gets status "
    "504. Needs mode http. milepost's own label.",
)
TIMEOUT_TUNNEL = Label(
    "TIMEOUT_TUNNEL",
    Scope.PORT,
    grammar_traffic.read_duration,
    grammar_traffic.read_duration,
    "1h",
    "How long both sides of a tunnel may be silent, a websocket or a connection in mode tcp: 100ms to 7d. milepost's "
    "own label.",
)
TIMEOUT_CLIENT = Label(
    "TIMEOUT_CLIENT",
    Scope.PORT,
    grammar_traffic.read_duration,
    grammar_traffic.read_duration,
    "30s",
    "How long a client may be silent while it sends a request or takes an answer, 100ms to 7d, at the service's own "
    "port: on the shared ports it stays 30s. Needs mode http. milepost's own label.",
)
SERVER_TLS = Label(
    "SERVER_TLS",
    Scope.PORT,
    grammar_traffic.read_server_tls,
    grammar_traffic.read_server_tls,
    "false",
    "Whether tasks are asked over TLS. true takes any certificate; with verify it has to be signed by one of the "
    "setting `haproxy.server_ca_file`, whatever name it is for. A health check of protocol HTTPS "
    "or MESOS_HTTPS is made over TLS without this label too, then with any certificate. milepost's own label.",
)
SNI_PASSTHROUGH = Label(
    "SNI_PASSTHROUGH",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth,
    "false",
    "Whether the tasks speak TLS themselves: on the shared HTTPS port the connections of clients that ask for a VHOST "
    "(by SNI) come to them as they are, in mode tcp. Beside them TLS ends at the balancer for all other hosts. Needs "
    "names in VHOST, no patterns, and the HTTPS port; the first service of this kind and the last cost a reload. "
    "milepost's own label.",
)
DENIED_NETWORKS = Label(
    "DENIED_NETWORKS",
    Scope.PORT,
    grammar_lines.read_networks,
    grammar_lines.read_networks,
    "none",
    "Source networks that may not use this port, on any listener, separated by blanks. Clients get status 403, in mode "
    "tcp their connection is closed. The setting `haproxy.deny` is the operator's, for all services. milepost's own "
    "label.",
)
HEALTHY_SHARE = Label(
    "HEALTHY_SHARE",
    Scope.PORT,
    grammar.read_share,
    grammar.read_share,
    "the setting `routing.healthy_share`",
    "Where less than this share (0 to 1) of the running tasks that were alive once still are, the others serve on; 0 "
    "takes each out that is not alive, as marathon-lb does. milepost's own label.",
)

AUTH = Label(
    "AUTH",
    Scope.PORT,
    grammar_lines.read_auth,
    grammar_lines.read_auth_as_written,
    "nobody is asked",
    "Who may use the hosts of this port: realm:user:password, the password as a crypt(3) hash such as "
    "`openssl passwd -5` makes. Asked on the shared HTTP and HTTPS ports only: **who comes by the service port, or by "
    "the app's id on the app-id port, is not asked**, as with marathon-lb; AUTH_EVERYWHERE changes that. HAProxy works "
    "the hash out at each request, so one that takes it long is refused. Needs VHOST or PATH; with SNI_PASSTHROUGH no "
    "host leads here, since nobody could be asked.",
    is_secret=True,
)
AUTH_EVERYWHERE = Label(
    "AUTH_EVERYWHERE",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth,
    "false",
    "Whether AUTH is also asked of those who come by the service port or by the app's id. Needs mode http. milepost's "
    "own label.",
)
BACKEND_HEALTHCHECK_PORT_INDEX = Label(
    "BACKEND_HEALTHCHECK_PORT_INDEX",
    Scope.PORT,
    grammar_lines.read_weight,
    grammar.read_port_as_written,
    "the port itself",
    "Which of the app's ports is checked in place of this one: counted from 0 in the order of their service ports. A "
    "port without a health check of its own takes over the one of that index, and with an HTTP check mode http.",
)
BACKEND_NETWORK_ALLOWED_ACL = Label(
    "BACKEND_NETWORK_ALLOWED_ACL",
    Scope.PORT,
    grammar_lines.read_networks,
    grammar_lines.read_networks_as_written,
    "every source",
    "The only source networks that may use this port, separated by blanks: IPv4 or IPv6, with or without a length. It "
    "holds on every way to the port, the shared ones too. In mode http others are answered 403, in mode tcp their "
    "connection ends.",
)
REDIRECT_TO_HTTPS = Label(
    "REDIRECT_TO_HTTPS",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "false",
    "Whether the shared HTTP port sends clients of this port's hosts to HTTPS (301), before it asks for AUTH. Needs "
    "VHOST or PATH.",
)
USE_HSTS = Label(
    "USE_HSTS",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "false",
    "Whether the app's answers tell browsers to use HTTPS only (Strict-Transport-Security, half a year). As with "
    "marathon-lb plain answers say so too; browsers heed it over TLS only. Needs mode http.",
)
HTTP_BACKEND_PROXYPASS_PATH = Label(
    "HTTP_BACKEND_PROXYPASS_PATH",
    Scope.PORT,
    grammar_lines.read_rewritten_path,
    grammar_lines.read_line_as_written,
    "none",
    "The beginning that is cut off the path of each request, in upper or lower case: with /app a request for /app/x "
    "reaches the task as /x, and, as with marathon-lb, one for /apple as /le. The query stays. With exactly one host "
    "in VHOST, and no pattern, the task is told that as Host. Needs mode http.",
)
HTTP_BACKEND_REVPROXY_PATH = Label(
    "HTTP_BACKEND_REVPROXY_PATH",
    Scope.PORT,
    grammar_lines.read_redirect_prefix,
    grammar_lines.read_line_as_written,
    "none",
    "What is put before the path of a Location in the app's answers: with /app a redirect to /login becomes one to "
    "/app/login. Of a Location with a host only those of VHOST are touched, and the host is left out. One that begins "
    "so already stays. The `\\3` that marathon-lb needed at the end may stand there. Needs mode http.",
)
HTTP_BACKEND_REDIR = Label(
    "HTTP_BACKEND_REDIR",
    Scope.PORT,
    grammar_lines.read_redirect_target,
    grammar_lines.read_line_as_written,
    "none",
    "Where a request for / of the hosts is redirected (301): a path other than /, or a whole URL. Needs mode http and "
    "VHOST or PATH.",
)
BACKEND_WEIGHT = Label(
    "BACKEND_WEIGHT",
    Scope.PORT,
    grammar_lines.read_weight,
    grammar.read_port_as_written,
    "0, with a PATH 1",
    "Of several ports that want a request for one host on the shared ports the one of the greater weight gets it, of "
    "equal weights the one of the longer path. The same holds for one pattern; names stay before "
    "patterns, and patterns in their order. An explicit 0 counts as 1 where there is a PATH. Needs VHOST or PATH.",
)
SSL_CERT: Label[str] = Label(
    "SSL_CERT",
    Scope.PORT,
    grammar_lines.read_certificate,
    grammar_lines.read_line_as_written,
    "no TLS",
    "The file on the balancer, absolute, with the certificate (PEM) by which this port's own listener speaks TLS; the "
    "key is in it too, or beside it in a file of its name with `.key` behind. It is looked at every second: a new "
    "content serves without a reload, what is broken or gone leaves the last good one. As long as there was none yet "
    "nothing listens at the port. The shared HTTPS port does not change with it.",
)
BIND_OPTIONS: Label[Binding] = Label(
    "BIND_OPTIONS",
    Scope.PORT,
    bind_options.read_bind_options,
    bind_options.read_bind_options_as_written,
    "none",
    "Words for the `bind` line of this port's own listener, of these: " + bind_options.KNOWN + ". `ssl crt FILE` means "
    "SSL_CERT. All else is refused, such as what reaches further than the listener or names another file, and the port "
    "is then left out. Behind `accept-proxy` the last request of an idle connection is answered by the old worker "
    "after a reload, with the tasks that it knew.",
)

TABLE: tuple[Label[Any], ...] = (
    GROUP,
    ENABLED,
    PORT,
    BIND_ADDR,
    MODE,
    BALANCE,
    STICKY,
    RETRY_ON,
    VHOST,
    PATH,
    LISTEN,
    STRIP_PATH,
    TIMEOUT_SERVER,
    TIMEOUT_TUNNEL,
    TIMEOUT_CLIENT,
    SERVER_TLS,
    SNI_PASSTHROUGH,
    DENIED_NETWORKS,
    HEALTHY_SHARE,
    BACKEND_HEALTHCHECK_PORT_INDEX,
    *DEPLOYMENT,
    AUTH,
    AUTH_EVERYWHERE,
    BACKEND_NETWORK_ALLOWED_ACL,
    REDIRECT_TO_HTTPS,
    USE_HSTS,
    HTTP_BACKEND_PROXYPASS_PATH,
    HTTP_BACKEND_REVPROXY_PATH,
    HTTP_BACKEND_REDIR,
    BACKEND_WEIGHT,
    SSL_CERT,
    BIND_OPTIONS,
)
