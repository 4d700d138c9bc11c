import Torch

extension Device {
    /// The device that settings name, initialized, with their number of threads.
    ///
    /// - Throws: ``SettingsError`` for a device that is not available, and for an invalid number of threads.
    package init(_ reader: SettingsReader) throws {
        if let threads = try reader.value("threads", as: Int.self) { try Self.setThreads(threads) }
        let name = try reader.value("device", as: String.self) ?? "cpu"
        do { try self.init(name) } catch { throw SettingsError("\(error)") }
    }

    /// Sets the number of threads for an operation.
    ///
    /// - Throws: ``SettingsError`` for an invalid number.
    package static func setThreads(_ threads: Int) throws {
        guard (1...Runtime.mostThreads).contains(threads) else {
            throw SettingsError("threads must be from 1 to \(Runtime.mostThreads), got \(threads)")
        }
        try Runtime.setThreadCount(threads)
    }
}
