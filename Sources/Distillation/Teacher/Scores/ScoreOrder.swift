import Datasets
import Foundation

/// The texts of a data file in their order, by which a file of scores that has texts under a name which is not known is kept from
/// being taken in another order.
struct ScoreOrder {
    private let data: URL
    /// The texts of the rows.
    private var keys: [ExampleKey] = []
    private var known: Set<ExampleKey> = []
    /// The rows of scores that were checked.
    private var place = 0
    private var scratch: [UInt8] = []

    /// - Throws: `DatasetError` where the file cannot be read.
    init(_ data: URL, _ options: DatasetOptions) throws {
        self.data = data
        let stream = try TextStream(data, options: options)
        while let row = try stream.next() { keys.append(ExampleKey(row.text, nil, &scratch)) }
        known = Set(keys)
    }

    /// Checks that no text of the next row of scores is the text of another row of the data.
    ///
    /// - Throws: `DatasetError` that names the row.
    mutating func check(_ row: ScoreRow, of stream: ScoreStream) throws {
        defer { place += 1 }
        guard place < keys.count else { return }
        for text in row.others {
            let key = ExampleKey(text, nil, &scratch)
            guard key != keys[place], known.contains(key) else { continue }
            throw stream.error(
                about: row,
                "'\(DatasetError.shown(text))' is a text of \(data.path), but not the one in this place, and rows without a text "
                    + "belong to the data's rows in order; name its key text, so that rows are found by their texts"
            )
        }
    }
}
