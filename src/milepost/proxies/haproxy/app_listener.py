"""What a service's own listener has beside its address: its certificate, and words that its owner chose. Pure."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.certificate import CertificateList, app_copy


def is_forwardable(service: Service) -> bool:
    """Whether the address that a client used is the listener's own, at which the next worker is found (hitless.py)."""
    return "accept-proxy" not in service.binding.options.split()


def is_tls(service: Service) -> bool:
    return bool(service.binding.certificate)


def bind_words(service: Service, folder: str) -> str:
    """What follows the address of a `bind` line. `folder`: see `Profile.app_certificates`."""
    certificate, options = service.binding.certificate, service.binding.options
    words = [options] if options else []
    if certificate:
        words.insert(0, f"ssl crt {app_copy(folder, certificate) if folder else certificate}")
    return "".join(f" {word}" for word in words)


def without_certificate(services: Sequence[Service], certificates: CertificateList | None) -> Iterator[str]:
    """The names of those that cannot listen as long as their certificate is not there."""
    good = None if certificates is None else {one.source for one in certificates.of_apps}
    return (one.name for one in services if good is not None and is_tls(one) and one.binding.certificate not in good)
