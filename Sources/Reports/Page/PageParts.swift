/// The parts of a page, as its template reads them. Property names differ from one type to the next: a name that a part
/// lacks is looked up in the part around it.

/// A whole page.
struct Page {
    var title: String
    var heading: String
    /// The subject of the page, above the heading.
    var kicker: String
    /// The page's message in a sentence or two.
    var lede: [String]
    var tiles: [Tile]
    var contents: [ContentsEntry]
    var sections: [PageSection]
    var footer: String
}

/// A figure that matters.
struct Tile {
    var tileName: String
    var tileValue: String
    var tileNote: String
}

struct ContentsEntry {
    var target: String
    var entryTitle: String
    var isSub: Bool
}

/// A part with a heading.
struct PageSection {
    var anchor: String
    var sectionTitle: String
    /// Of the heading: 2 or 3.
    var level: Int
    var blocks: [Block]
}

/// A piece of a section: exactly one of its properties is there.
struct Block {
    var paragraph: String?
    var warning: String?
    var figures: FigureRow?
    var table: PageTable?
    /// A table that is folded away.
    var folded: Folded?
    var examples: ExampleList?

    static func paragraph(_ text: String) -> Block { Block(paragraph: NumberText.unbroken(text)) }
    static func warning(_ text: String) -> Block { Block(warning: text) }
    static func table(_ table: PageTable) -> Block { Block(table: table) }
    static func folded(_ summary: String, _ table: PageTable) -> Block {
        Block(folded: Folded(foldTitle: summary, foldTable: [table]))
    }
    static func examples(_ list: ExampleList) -> Block { Block(examples: list) }
    static func figures(_ figures: [Figure], isWide: Bool = false) -> Block {
        Block(figures: FigureRow(isWide: isWide, row: figures))
    }
}

struct FigureRow {
    /// True if two figures fill the page's width.
    var isWide: Bool
    var row: [Figure]
}

struct Figure {
    var figureTitle: String
    /// Safe as it is: `SVGBuilder` escaped everything in it.
    var svg: String
    /// The caption below the chart.
    var figureNote: String?
    /// The chart's data as tables.
    var numbers: [PageTable]
}

struct Folded {
    var foldTitle: String
    var foldTable: [PageTable]
}

struct PageTable {
    var tableID: String
    var caption: String
    /// The first column's head.
    var corner: String
    /// True if the cells are words, not numbers.
    var isText: Bool
    var columns: [String]
    var rows: [PageRow]
}

struct PageRow {
    var head: String
    var cells: [String]
}

/// Examples with both models' predictions.
struct ExampleList {
    var listTitle: String
    var listLevel: Int
    var listID: String
    var listNote: String
    var first: [PageExample]
    /// The rest, folded away.
    var rest: RestOfExamples?
}

struct RestOfExamples {
    var restTitle: String
    var others: [PageExample]
}

struct PageExample {
    var exampleText: String
    var pairText: String?
    /// The row, label and difference of the example, in words.
    var facts: String
    var answers: [PageAnswer]
}

struct PageAnswer {
    var answerer: String
    var answer: String
    var isRight: Bool?
    /// "right" or "wrong"; `nil` where neither can be said.
    var verdict: String?
    var bars: [ProbabilityBar]
    /// A class of the style sheet.
    var answerStyle: String
}

struct ProbabilityBar {
    var barLabel: String
    var barText: String
    /// In percent, as the style sheet takes it.
    var barWidth: String
}
