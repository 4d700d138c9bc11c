// Whoever imports `Hub` sees its names, selections, errors and events too.
@_exported import HubStore
