import Files
import Foundation
import Safetensors

/// The directory of a static student that was made without texts: its table with a card and a record.
struct StaticStudentFiles {
    let table: StaticDirectory
    let card: ModelCardOptions

    /// Writes the files, and notes the table's size in the report.
    ///
    /// - Throws: `FileError` where one cannot be written.
    func write(to directory: URL, _ report: inout StaticStudentReport) throws {
        try table.write(to: directory)
        report.bytesOnDisk = SafetensorsCheckpoint.weightBytes(in: directory)
        let files = [
            ("README.md", try StaticModelCard(report, card).text),
            (StaticStudentReport.fileName, try JSONText.encode(report) + "\n"),
        ]
        for (name, text) in files { try AtomicFile.write(text, to: directory.appending(path: name)) }
    }
}
