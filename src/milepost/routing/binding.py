"""How a port's own listener is bound, beside its address."""

from milepost.model.routing import Binding
from milepost.routing import labels as table
from milepost.routing.bind_options import SSL
from milepost.routing.port_labels import PortLabels

_PLAIN = Binding()


def read_binding(labels: PortLabels) -> Binding:
    """What cannot be read leaves the port out: it may be what keeps others from reading along."""
    if not (labels.has(table.SSL_CERT) or labels.has(table.BIND_OPTIONS)):
        return _PLAIN
    named = labels.optional(table.SSL_CERT) or None
    asked = labels.optional(table.BIND_OPTIONS) or _PLAIN
    certificate = named or asked.certificate
    words = asked.options.split()
    wrong = ""
    if asked.certificate not in (None, certificate):
        wrong = f"names another certificate than {table.SSL_CERT.key(labels.index)}; the port is left out"
    elif SSL in words and certificate is None:
        wrong = "asks for TLS without a certificate; the port is left out"
    if wrong:
        labels.report(table.BIND_OPTIONS, wrong)
        labels.is_broken = True
    return Binding(certificate, " ".join(word for word in words if word != SSL))
