import Files
import Foundation
import JSON
import Testing

@testable import Datasets

enum Support {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    /// The texts and labels that every data file of scripts/fixtures/datasets.py holds.
    static func expected() throws -> [(text: String, label: String)] {
        let rows = try JSONValue.load(contentsOf: fixtures.appending(path: "expected.json")).arrayValue ?? []
        return rows.map { ($0.arrayValue?[0].stringValue ?? "", $0.arrayValue?[1].stringValue ?? "") }
    }

    /// How a fixture is read: of one with tabs and line breaks at random in its texts a line alone can look like a row.
    static func options(_ fixture: String) -> DatasetOptions {
        .init(delimited: .init(quoting: fixture == "tabs.tsv" ? .rfc4180 : nil))
    }

    /// Writes a file, calls the body with it, and removes it.
    static func withFile<Result>(_ name: String, _ bytes: [UInt8], _ body: (URL) throws -> Result) throws
        -> Result
    {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "datasets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: name)
        try Data(bytes).write(to: file)
        return try body(file)
    }

    static func load(
        _ text: String, as name: String = "data.csv", options: DatasetOptions = DatasetOptions(),
        labels: LabelMap? = nil
    ) throws -> TextDataset {
        try withFile(name, Array(text.utf8)) { try TextDataset.load($0, options: options, labels: labels) }
    }

    /// The message with which a file is refused, without its folder.
    static func refusal(
        _ text: String, as name: String = "data.csv", options: DatasetOptions = DatasetOptions(),
        labels: LabelMap? = nil
    ) -> String {
        do {
            _ = try load(text, as: name, options: options, labels: labels)
            return "not refused"
        } catch let error as DatasetError {
            #expect(!error.description.contains("\n"))
            guard let place = error.description.range(of: name) else { return error.description }
            return String(error.description[place.lowerBound...])
        } catch { return "another error: \(error)" }
    }
}
