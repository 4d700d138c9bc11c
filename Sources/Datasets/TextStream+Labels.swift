extension TextStream {
    /// The class of a row's label.
    ///
    /// - Parameters:
    ///   - row: A row of this file.
    ///   - map: The classes.
    /// - Returns: `nil` where the row has no label.
    /// - Throws: ``DatasetError`` for a label that the map does not have.
    public func labelID(of row: TextRow, in map: LabelMap) throws -> Int? {
        try row.label.map { try id(of: $0, row, map) }
    }

    /// The classes of a row's label that is a set.
    ///
    /// - Parameters:
    ///   - row: A row of this file.
    ///   - map: The classes.
    /// - Returns: Class numbers in rising order, none of them twice; `nil` where the row has no label.
    /// - Throws: ``DatasetError`` for a name that the map does not have.
    public func labelIDs(of row: TextRow, in map: LabelMap) throws -> [Int]? {
        guard let set = row.labelSet else { return nil }
        if case .indicators(let length)? = labelSetCoding {
            guard set.count == length, length <= map.count else {
                throw DatasetError(
                    path(of: row), at: row, "the label has \(set.count) indicators where \(length) are wanted"
                )
            }
            return set.indices.filter { set[$0] == "1" }
        }
        var numbers: Set<String> = []
        for name in set where canonicalInteger(name) != nil {
            guard numbers.insert(name).inserted else {
                throw DatasetError(
                    path(of: row), at: row,
                    "the class number \(name) occurs twice in one label; indicators need a 0 or a 1 for each class in "
                        + "every row, else give each class that applies once")
            }
        }
        guard !row.hasTruthValues else {
            throw DatasetError(
                path(of: row), at: row,
                "the label is truth values, which need one for each class in every row; else give the names of the "
                    + "classes that apply")
        }
        // A name and its number are one class.
        return try Set(set.map { try id(of: $0, row, map) }).sorted()
    }

    /// The number that is a row's label.
    ///
    /// - Parameter row: A row of this file.
    /// - Returns: `nil` where the row has no label.
    /// - Throws: ``DatasetError`` for a label that is no decimal number, not finite, or too large for float32, and for
    ///   a whole number that float32 would round.
    public func value(of row: TextRow) throws -> Float? {
        guard let label = row.label else { return nil }
        guard isNumber(label), let number = Double(label), number.isFinite else {
            throw DatasetError(
                path(of: row), at: row,
                "the label '\(shown(label))' is not a number, which regression needs; write it like 3.5")
        }
        let value = Float(number)
        guard value.isFinite else {
            throw DatasetError(
                path(of: row), at: row,
                "the label '\(shown(label))' is too large for float32; scale the labels")
        }
        // All digits of a whole number are significant.
        let isWhole = !label.utf8.contains { ".eE".utf8.contains($0) }
        guard !isWhole || Int(exactly: value).map(String.init) == decimalValue(label) else {
            throw DatasetError(
                path(of: row), at: row,
                "the label '\(shown(label))' has more digits than float32 holds; subtract a number from the labels, or "
                    + "scale them")
        }
        return value
    }

    /// Returns true if the file itself names its class numbers and some of its names are classes of the map: then its
    /// numbers stand for their names, not for indices of the map.
    ///
    /// - Parameter map: The classes.
    public func namesClasses(of map: LabelMap) -> Bool {
        classNames?.contains { map.id(of: $0) != nil } == true
    }

    /// Reads the rest of the file for its labels.
    ///
    /// - Returns: The classes that the file itself names, as Parquet may; else integers that count from 0 as class
    ///   numbers, anything else as names. `nil` without labels, and where they are numbers.
    /// - Throws: ``DatasetError`` for what is wrong with a row.
    public func inferLabels() throws -> LabelMap? {
        var distinct: Set<[UInt8]> = []
        while let row = try next() {
            for label in row.labelSet ?? [row.label].compactMap(\.self) { distinct.insert(Array(label.utf8)) }
        }
        guard hasLabels, form != .number else { return nil }
        if let classNames { return try LabelMap(names: classNames) }
        return try inferredMap(distinct.map { String(decoding: $0, as: UTF8.self) })
    }

    /// The classes of labels that are this data set's own.
    func inferredMap(_ labels: [String]) throws -> LabelMap {
        if case .indicators(let length)? = labelSetCoding { return try LabelMap(numbered: length) }
        return try LabelMap(inferredFrom: labels)
    }

    /// A class number of a file that names its classes means that name, where a map has any of the names. A map that
    /// has none of them, such as `LABEL_0` and `LABEL_1`, goes by the number.
    private func id(of label: String, _ row: TextRow, _ map: LabelMap) throws -> Int {
        var label = label
        var found: Int?
        if let classNames, let number = canonicalInteger(label), number < classNames.count,
            namesClasses(of: map)
        {
            label = classNames[number]
            found = map.id(of: label)
        } else {
            found = map.id(ofLabel: label)
        }
        guard let id = found else {
            throw DatasetError(
                path(of: row), at: row,
                "unknown label '\(shown(label))'; the labels are \(list(map.names)), in this order")
        }
        return id
    }
}
