import Datasets
import Foundation

/// What the files of a teacher's scores hold, by a first reading: their form, the labels that they name, and what decides what the
/// numbers are.
struct ScoreSurvey {
    /// What a row's numbers add up to, counted over the rows.
    struct Numbers: Equatable {
        var (least, most) = (Double.infinity, -Double.infinity)
        /// The numbers of the row that has the fewest.
        var fewest = Int.max
        /// Rows whose numbers add up to 1, or to 100, or are logarithms of such that add up to 1.
        var (ones, hundreds, logarithms) = (0, 0, 0)
        /// The first row that does not add up to 1: its place and its sum.
        var firstOff: (place: String, sum: Double)?

        static func == (one: Numbers, other: Numbers) -> Bool {
            (one.least, one.most, one.fewest, one.ones, one.hundreds, one.logarithms)
                == (other.least, other.most, other.fewest, other.ones, other.hundreds, other.logarithms)
        }
    }

    let request: ScoresRequest
    let form: ScoreForm
    let meaning: ScoreMeaning
    /// The key of the scores.
    let key: String
    /// The labels that rows name, in the order of the first row where that has one, else as found.
    let names: [String]
    /// The number of classes of arrays; `nil` for other forms.
    let width: Int?
    let hasTexts: Bool
    let hasPairs: Bool
    /// The rows of each file.
    let rows: [Int]
    let numbers: Numbers
    /// The SHA-256 of each file.
    let digests: [String]

    /// How far rounded probabilities may be from a sum of 1.
    static let tolerance = 0.02

    /// Reads the files.
    ///
    /// - Parameter files: The files of scores, or the data files that hold them.
    /// - Throws: `DatasetError` for what is wrong with a file, and for files of several forms.
    init(_ request: ScoresRequest, files: [URL], columns: DataColumns) throws {
        var reading: Reading?
        var (rows, digests) = ([Int](), [String]())
        for file in files {
            let stream = try ScoreStream(file, options: request.options(columns))
            var count = 0
            while let row = try stream.next() {
                count += 1
                if reading == nil { reading = Reading(stream) }
                try reading?.add(row, of: stream, isFirst: count == 1)
            }
            rows.append(count)
            digests.append(stream.sha256)
        }
        guard let reading else { throw DistillationError("teacher_scores: there is no file of scores") }
        self.request = request
        (form, meaning, key) = (reading.form, reading.meaning, reading.key)
        (names, width, numbers) = (reading.names, reading.width, reading.numbers)
        (hasTexts, hasPairs) = (reading.hasTexts, reading.hasPairs)
        (self.rows, self.digests) = (rows, digests)
    }

    /// What was read so far.
    private struct Reading {
        let path: String
        let form: ScoreForm
        let meaning: ScoreMeaning
        let key: String
        let hasTexts: Bool
        let hasPairs: Bool
        var names: [String] = []
        var width: Int?
        var numbers = Numbers()
        private var seen: Set<[UInt8]> = []

        init(_ stream: ScoreStream) {
            (path, form, meaning) = (stream.path, stream.form ?? .array, stream.meaning ?? .unstated)
            (key, hasTexts, hasPairs) = (stream.key ?? "", stream.hasTexts, stream.hasPairs)
        }

        mutating func add(_ row: ScoreRow, of stream: ScoreStream, isFirst: Bool) throws {
            if isFirst, (stream.form, stream.meaning) != (form, meaning) || stream.hasTexts != hasTexts {
                throw DistillationError(
                    "\(stream.path): its scores are \(stream.form?.description ?? "") under '\(stream.key ?? "")', unlike those of "
                        + "\(path); write all files of one teacher alike")
            }
            switch row.values {
            case .named(let entries):
                for entry in entries where seen.insert(Array(entry.name.utf8)).inserted {
                    names.append(entry.name)
                    guard seen.count <= RunData.mostClasses else {
                        throw stream.error(
                            about: row, "there are more than \(RunData.mostClasses) different labels so far")
                    }
                }
                count(entries.map(\.value), row, stream)
            case .positional(let values):
                if let width, width != values.count {
                    throw stream.error(
                        about: row, "the array has \(values.count) scores, those before have \(width)")
                }
                width = values.count
                count(values, row, stream)
            }
        }

        private mutating func count(_ values: [Double], _ row: ScoreRow, _ stream: ScoreStream) {
            var (sum, exponentials) = (0.0, 0.0)
            for value in values {
                (numbers.least, numbers.most) = (min(numbers.least, value), max(numbers.most, value))
                (sum, exponentials) = (sum + value, exponentials + exp(min(value, 1)))
            }
            numbers.fewest = min(numbers.fewest, values.count)
            if abs(sum - 1) <= tolerance {
                numbers.ones += 1
            } else if numbers.firstOff == nil {
                let message = stream.error(about: row, "").description
                numbers.firstOff = (String(message.dropLast(2)), sum)
            }
            if abs(sum - 100) <= 100 * tolerance { numbers.hundreds += 1 }
            if abs(exponentials - 1) <= tolerance { numbers.logarithms += 1 }
        }
    }

    /// The number of all rows.
    var count: Int { rows.reduce(0, +) }
}
