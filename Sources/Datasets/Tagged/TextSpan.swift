import JSON

/// A part of a text that an entity takes.
struct TextSpan {
    /// In Unicode scalars.
    var start: Int
    var end: Int
    var label: String

    /// Reads spans: `{"start": 0, "end": 5, "label": "PER"}` or `[0, 5, "PER"]`.
    ///
    /// doccano's `start_offset` and `end_offset` are taken too, and `labels` with one element as Label Studio writes
    /// it.
    ///
    /// - Throws: ``DatasetError`` for an element that is not written so.
    static func spans(_ elements: [JSONValue], _ path: String, _ row: TaggedRow) throws -> [TextSpan] {
        try elements.enumerated().map { index, element in
            func wrong(_ reason: String) -> DatasetError {
                DatasetError(
                    path, at: row,
                    "span \(index + 1) \(reason); write {\"start\": 0, \"end\": 5, \"label\": \"PER\"} or [0, 5, \"PER\"]"
                )
            }
            let (start, end, label): (JSONValue?, JSONValue?, JSONValue?)
            if let object = element.objectValue {
                start = object["start"] ?? object["start_offset"]
                end = object["end"] ?? object["end_offset"]
                let labels = object["labels"]?.arrayValue
                if let labels, labels.count != 1 {
                    throw wrong("has \(labels.count) labels where one is wanted")
                }
                label = object["label"] ?? labels?.first ?? object["type"]
            } else if let parts = element.arrayValue {
                guard parts.count == 3 else { throw wrong("has \(parts.count) parts") }
                (start, end, label) = (parts[0], parts[1], parts[2])
            } else {
                throw wrong("is \(element.typeName)")
            }
            guard let start = start?.intValue, let end = end?.intValue else {
                throw wrong("has no whole numbers as its start and end")
            }
            guard let label = label?.stringValue, EntityTag("B-" + label) != nil else {
                throw wrong("has no text as its label")
            }
            return TextSpan(start: start, end: end, label: label)
        }
    }
}
