import Torch

extension Device {
    /// The device that settings name, made ready, with as many threads as they say.
    ///
    /// - Throws: ``SettingsError`` for a device that is not there, and for a number of threads that cannot be.
    package init(_ reader: SettingsReader) throws {
        if let threads = try reader.value("threads", as: Int.self) { try Self.setThreads(threads) }
        let name = try reader.value("device", as: String.self) ?? "cpu"
        do { try self.init(name) } catch { throw SettingsError("\(error)") }
    }

    /// Sets the number of threads of one operation.
    ///
    /// - Throws: ``SettingsError`` for a number that cannot be.
    package static func setThreads(_ threads: Int) throws {
        guard threads > 0 else { throw SettingsError("threads must be at least 1, got \(threads)") }
        try Runtime.setThreadCount(threads)
    }
}
