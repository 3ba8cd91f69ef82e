"""The soak: tasks are replaced and HAProxy reloads under all kinds of traffic; every lost request is counted."""
