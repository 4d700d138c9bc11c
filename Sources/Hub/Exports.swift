// `import Hub` also provides its names, selections, errors and events.
@_exported import HubStore
