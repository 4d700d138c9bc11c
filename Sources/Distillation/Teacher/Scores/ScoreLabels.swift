import Datasets
import Foundation
import Transformers

/// The classes that the names of scores mean: names that are the labels', byte by byte, and nothing else.
struct ScoreLabels {
    let map: LabelMap
    /// True if the labels are only numbered, so that a number means a class.
    private let areNumbered: Bool

    init(_ map: LabelMap) {
        self.map = map
        areNumbered = map.names.indices.allSatisfy { map.names[$0] == "LABEL_\($0)" }
    }

    /// The class of a name; `nil` for another name.
    func id(of name: String) -> Int? {
        if let id = map.id(of: name) { return id }
        guard areNumbered, let number = Int(name), String(number) == name, map.names.indices.contains(number)
        else { return nil }
        return number
    }

    /// Checks that scores are of these labels.
    ///
    /// - Throws: ``DistillationError`` that names what is missing, is too much, or is written in another way.
    func require(_ survey: ScoreSurvey) throws {
        let name = survey.request.name
        if let width = survey.width, width != map.count {
            throw DistillationError(
                "\(name): the arrays have \(width) scores, but there are \(map.count) labels "
                    + "(\(DatasetError.list(map.names))); write a score for each")
        }
        // What is no label among an answer's tokens is part of the rest.
        guard survey.width == nil, survey.form != .tokens else { return }
        let unknown = survey.names.filter { id(of: $0) == nil }
        guard unknown.isEmpty else { throw DistillationError("\(name): " + explanation(of: unknown)) }
        let named = Set(survey.names.compactMap(id))
        let missing = map.names.indices.filter { !named.contains($0) }.map { map.names[$0] }
        guard survey.form.leavesOut || missing.isEmpty else {
            throw DistillationError(
                "\(name): there are no scores of the label\(missing.count == 1 ? "" : "s") \(DatasetError.list(missing)); write a "
                    + "score for each of \(DatasetError.list(map.names))")
        }
    }

    /// Says why names are not these labels.
    func explanation(of unknown: [String]) -> String {
        let known = "the labels are \(DatasetError.list(map.names))"
        let listed = DatasetError.list(unknown)
        if let pair = Self.sameButCase(unknown, map.names) {
            return
                "'\(DatasetError.shown(pair.0))' is not the label '\(DatasetError.shown(pair.1))': they differ in case; write it as the data do (\(known))"
        }
        if unknown.allSatisfy(Self.isNumbered) {
            return
                "the scores are of \(listed), which are numbers and not names; \(known): write these, since their order is not known"
        }
        return
            "the scores are of \(listed), which \(unknown.count == 1 ? "is no label" : "are no labels"); \(known)"
    }

    /// A name and a label that differ in case alone.
    static func sameButCase(_ names: [String], _ labels: [String]) -> (String, String)? {
        for name in names {
            if let label = labels.first(where: { $0.lowercased() == name.lowercased() }) {
                return (name, label)
            }
        }
        return nil
    }

    /// Returns true for a class number, as it is or as transformers names it.
    static func isNumbered(_ name: String) -> Bool {
        let digits = name.hasPrefix("LABEL_") ? name.dropFirst(6) : name[...]
        return !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) }
    }
}

extension ScoreLabels {
    /// The labels of a run whose teachers are scores alone.
    ///
    /// - Parameters:
    ///   - surveys: The teachers, at least one.
    ///   - student: The label names of the student's own head; `nil` where it has none.
    ///   - data: The labels that the data name; `nil` where they have none.
    /// - Throws: ``DistillationError`` where they cannot be known, or differ.
    static func labels(
        of surveys: [ScoreSurvey], student: [String]?, data: LabelMap?
    ) throws -> LabelMap {
        guard let naming = surveys.first(where: { $0.width == nil && $0.form != .tokens }) else {
            if let student { return try LabelMap(names: student) }
            guard let data else {
                throw DistillationError(
                    "\(surveys[0].request.name): the scores name no labels, and neither do the data or the student; write an object of "
                        + "labels and scores, or give labelled data")
            }
            return data
        }
        var names = naming.names
        if let data { names += try missing(of: data, in: naming) }
        if let student, Set(student.map { Array($0.utf8) }) == Set(names.map { Array($0.utf8) }) {
            return try LabelMap(names: student)
        }
        // Names in the order of a teacher's classes keep it; others have none.
        return naming.form.hasOrder && names.count == naming.names.count
            && !names.allSatisfy({ Int($0) != nil })
            ? try LabelMap(names: names) : try LabelMap(inferredFrom: names)
    }

    /// The data's labels that scores do not name, which a form that leaves classes out may lack.
    private static func missing(of data: LabelMap, in survey: ScoreSurvey) throws -> [String] {
        let labels = ScoreLabels(try LabelMap(inferredFrom: survey.names))
        let unknown = data.names.filter { labels.id(of: $0) == nil }
        guard !unknown.isEmpty else { return [] }
        func differ(_ reason: String) -> DistillationError {
            DistillationError(
                "\(survey.request.name): the scores are of \(DatasetError.list(survey.names)), the data's labels are "
                    + "\(DatasetError.list(data.names)); \(reason)")
        }
        if let pair = sameButCase(unknown, survey.names) {
            throw differ(
                "'\(DatasetError.shown(pair.0))' and '\(DatasetError.shown(pair.1))' differ in case: write them alike"
            )
        }
        if unknown.allSatisfy(isNumbered) {
            // Numbers count through the names, where these are in the order of a teacher's classes.
            guard survey.form.hasOrder, data.count <= survey.names.count else {
                throw differ("which number is which name is not known: write the names in the data")
            }
            return []
        }
        guard survey.form.leavesOut else {
            throw differ("write a score for each label, and the names as the data do")
        }
        guard survey.names.contains(where: { data.id(of: $0) != nil }) else {
            throw differ("they have no name in common: write them alike")
        }
        return unknown
    }
}
