import Foundation
import JSON

/// The section on how the model was made: settings, data, times, versions.
extension PageBuilder {
    mutating func settings(_ run: RunFiles) -> [Block] {
        var blocks: [Block] = []
        var rows: [PageRow] = []
        let settings = run.record["settings"]?.objectValue
        for (key, value) in settings ?? JSONObject() where key != "training" {
            guard let words = Self.words(value) else { continue }
            rows.append(PageRow(head: key.replacing("_", with: " "), cells: [words]))
        }
        if !rows.isEmpty {
            blocks.append(
                .table(table("Settings", corner: "setting", columns: ["value"], rows: rows, isText: true)))
        }
        let training = settings?["training"]?.objectValue ?? JSONObject()
        let arguments = Self.memberRows(training)
        if !arguments.isEmpty {
            blocks.append(
                .folded(
                    "Training arguments",
                    table(
                        "Training arguments", corner: "argument", columns: ["value"], rows: arguments,
                        isText: true)))
        }
        let data = Self.dataRows(run)
        if !data.isEmpty {
            blocks.append(
                .table(
                    table(
                        "Data", corner: "part", columns: ["file", "examples", "SHA-256"], rows: data,
                        isText: true)))
        }
        let phases = Self.phaseRows(run)
        if !phases.isEmpty {
            blocks.append(
                .table(table("Where the time went", corner: "phase", columns: ["time"], rows: phases)))
        }
        let versions = Self.memberRows(run.record["versions"]?.objectValue ?? JSONObject())
        if !versions.isEmpty {
            blocks.append(
                .table(
                    table(
                        "Versions and machine", corner: "part", columns: ["value"], rows: versions,
                        isText: true)))
        }
        return blocks
    }

    /// The members of an object that are set, in words.
    private static func memberRows(_ object: JSONObject) -> [PageRow] {
        object.compactMap { key, value -> PageRow? in
            words(value).map { PageRow(head: key.replacing("_", with: " "), cells: [$0]) }
        }
    }

    /// The data files of a run: their names, numbers of examples and SHA-256 digests.
    private static func dataRows(_ run: RunFiles) -> [PageRow] {
        [("training", "train"), ("validation", "validation"), ("test", "test"), ("data", "data")]
            .compactMap { name, key -> PageRow? in
                var object = run.record[key]?.objectValue
                if key == "test" { object = object?["data"]?.objectValue }
                guard let object, let path = object["path"]?.stringValue else { return nil }
                return PageRow(
                    head: name,
                    cells: [
                        URL(filePath: path).lastPathComponent,
                        object["examples"]?.intValue.map(String.init) ?? "",
                        object["sha256"]?.stringValue ?? "",
                    ])
            }
    }

    /// The wall-clock time of each phase of a run.
    private static func phaseRows(_ run: RunFiles) -> [PageRow] {
        (run.record["phases"]?.arrayValue ?? []).compactMap { phase -> PageRow? in
            guard let name = phase.objectValue?["name"]?.stringValue,
                let seconds = phase.objectValue?["seconds"]?.doubleValue
            else { return nil }
            return PageRow(head: name, cells: [String(format: "%.1f s", seconds)])
        }
    }

    /// A value of a record in words; `nil` for what is not set.
    static func words(_ value: JSONValue) -> String? {
        switch value {
        case .null: return nil
        case .bool(let value): return value ? "yes" : "no"
        case .integer(let value): return String(value)
        case .number(let value): return NumberText.plain.text(value)
        case .string(let value): return value
        case .array(let values):
            let parts = values.compactMap(words)
            return parts.isEmpty ? nil : parts.joined(separator: ", ")
        case .object(let object):
            // An objective is a name with options; others are lists of their members.
            if let name = object["name"]?.stringValue, let weight = object["weight"].flatMap(words) {
                let options = object["options"]?.objectValue.flatMap { words(.object($0)) }
                return "\(weight) × \(name)" + (options.map { " (\($0))" } ?? "")
            }
            let parts = object.compactMap { key, value in
                words(value).map { "\(key.replacing("_", with: " ")) \($0)" }
            }
            return parts.isEmpty ? nil : parts.joined(separator: "; ")
        }
    }
}
