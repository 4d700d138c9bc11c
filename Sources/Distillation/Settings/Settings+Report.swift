import Foundation

extension Settings {
    /// The largest report that is read, in bytes.
    static let largestReport = 64_000_000

    /// Reads the settings that a run's report holds: `distillation.json` or `training.json`, to make the run again.
    ///
    /// - Parameters:
    ///   - text: The file's text.
    ///   - path: The path that errors name.
    /// - Returns: `nil` for a text that is no JSON object of a report.
    /// - Throws: ``SettingsError`` for a report without settings.
    init?(report text: String, path: String) throws {
        guard text.first(where: { !$0.isWhitespace }) == "{",
            let report = try? JSONText.decode(Report.self, from: text)
        else { return nil }
        guard let identity = report.identity else {
            throw SettingsError(
                "\(path): is the report of a run by an earlier version, which does not hold all settings; write them in a YAML file"
            )
        }
        self.init(
            entries: identity.settings.sorted { $0.key < $1.key }.map { Entry($0.key, $0.value) }, path: path)
        reproduced = identity
    }

    /// The part of a report that is needed, and what only reports have.
    private struct Report: Decodable {
        var command: String
        var versions: RunReport.Versions
        var identity: RunIdentity?
    }

    /// The run whose report the settings are from, for a command of the same name.
    ///
    /// - Throws: ``SettingsError`` for the report of another command.
    func reproduced(by command: String) throws -> RunIdentity? {
        guard let reproduced else { return nil }
        guard reproduced.command == command else {
            throw SettingsError(
                "\(path ?? "the report"): is the report of `distill \(reproduced.command)`, not of `distill \(command)`"
            )
        }
        return reproduced
    }
}

extension RunLog {
    /// Warns of everything in which a run is not the one that it makes again.
    func compare(_ identity: RunIdentity, with reproduced: RunIdentity?) {
        guard let reproduced else { return }
        let differences = identity.differences(from: reproduced)
        guard !differences.isEmpty else {
            return send(
                .note("Data, models, settings and processor are those of the run that is made again."))
        }
        warnOnce(
            "this is not quite the run that the report describes, and its weights may differ: "
                + differences.joined(separator: "; "))
    }
}
