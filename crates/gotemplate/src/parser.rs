//! Words to nodes.

use std::collections::{BTreeMap, BTreeSet};

use crate::DEPTH_MAX;
use crate::lexer::{Kind, Token};
use crate::value::Value;

/// A part of a template.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(String),
    Print { line: usize, pipe: Pipe },
    If { line: usize, pipe: Pipe, then: Vec<Node>, otherwise: Vec<Node> },
    With { line: usize, pipe: Pipe, then: Vec<Node>, otherwise: Vec<Node> },
    Range { line: usize, pipe: Pipe, body: Vec<Node>, otherwise: Vec<Node> },
    Template { line: usize, name: String, pipe: Option<Pipe> },
    Break,
    Continue,
}

/// `$a, $b := command | command`
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) variables: Vec<String>,
    /// `:=`, not `=`
    pub(crate) declares: bool,
    pub(crate) commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Literal(Value),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(String, Vec<String>),
    Function(String),
    /// `(…).a.b`
    Group(Box<Pipe>, Vec<String>),
}

type Fault = (usize, String);
type Parsed = (Vec<Node>, BTreeMap<String, Vec<Node>>);

/// What ended a list of nodes.
#[derive(PartialEq)]
enum Ending {
    Eof,
    End,
    Else,
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    known: &'a dyn Fn(&str) -> bool,
    variables: BTreeSet<String>,
    defined: BTreeMap<String, Vec<Node>>,
    line: usize,
    depth: usize,
}

pub(crate) fn parse(tokens: Vec<Token>, known: &dyn Fn(&str) -> bool) -> Result<Parsed, Fault> {
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        known,
        variables: BTreeSet::from(["$".to_owned()]),
        defined: BTreeMap::new(),
        line: 1,
        depth: 0,
    };
    let (nodes, end) = parser.list()?;
    match end {
        Ending::Eof => Ok((nodes, parser.defined)),
        Ending::End => parser.fail("unexpected {{end}}"),
        Ending::Else => parser.fail("unexpected {{else}}"),
    }
}

impl Parser<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err((self.line, message.into()))
    }

    fn next(&mut self) -> Option<Kind> {
        let token = self.tokens.next()?;
        self.line = token.line;
        Some(token.kind)
    }

    fn peek(&mut self) -> Option<&Kind> {
        self.tokens.peek().map(|token| &token.kind)
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.next() {
            Some(Kind::Close) => Ok(()),
            _ => self.fail("unexpected text in action"),
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, Ending), Fault> {
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return self.fail(format!("nested deeper than {DEPTH_MAX}"));
        }
        let mut nodes = Vec::new();
        let end = loop {
            match self.next() {
                None => break Ending::Eof,
                Some(Kind::Text(text)) => nodes.push(Node::Text(text)),
                Some(Kind::Open) => {
                    let line = self.line;
                    let word = match self.peek() {
                        Some(Kind::Word(word)) => word.clone(),
                        _ => String::new(),
                    };
                    let is_keyword = matches!(
                        word.as_str(),
                        "if" | "with"
                            | "range"
                            | "end"
                            | "else"
                            | "template"
                            | "define"
                            | "block"
                            | "break"
                            | "continue"
                    );
                    if !is_keyword {
                        let pipe = self.pipe("command")?;
                        self.close()?;
                        nodes.push(Node::Print { line, pipe });
                        continue;
                    }
                    self.next();
                    match word.as_str() {
                        "end" => {
                            self.close()?;
                            break Ending::End;
                        }
                        // What follows `else` is its owner's.
                        "else" => break Ending::Else,
                        "break" | "continue" => {
                            self.close()?;
                            nodes.push(if word == "break" { Node::Break } else { Node::Continue });
                        }
                        "template" => {
                            let name = self.name()?;
                            let pipe =
                                if self.peek() == Some(&Kind::Close) { None } else { Some(self.pipe("template")?) };
                            self.close()?;
                            nodes.push(Node::Template { line, name, pipe });
                        }
                        "define" | "block" => {
                            let name = self.name()?;
                            let pipe = if word == "block" { Some(self.pipe("block")?) } else { None };
                            self.close()?;
                            let outer = self.variables.clone();
                            let (body, end) = self.list()?;
                            self.variables = outer;
                            if end != Ending::End {
                                return self.fail(format!("missing {{{{end}}}} of {word}"));
                            }
                            self.defined.insert(name.clone(), body);
                            if pipe.is_some() {
                                nodes.push(Node::Template { line, name, pipe });
                            }
                        }
                        control => nodes.push(self.control(control, line)?),
                    }
                }
                Some(_) => return self.fail("unexpected text in action"),
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.next() {
            Some(Kind::Str(name)) => Ok(name),
            _ => self.fail("expected a template's name in quotes"),
        }
    }

    /// `if`, `with`, `range`, after the word.
    fn control(&mut self, word: &str, line: usize) -> Result<Node, Fault> {
        let outer = self.variables.clone();
        let pipe = self.pipe(word)?;
        self.close()?;
        let (then, end) = self.list()?;
        let mut otherwise = Vec::new();
        match end {
            Ending::Eof => return self.fail("unexpected EOF"),
            Ending::End => {}
            Ending::Else => match self.peek() {
                Some(Kind::Word(next)) if next == word && word != "range" => {
                    self.next();
                    self.depth += 1;
                    if DEPTH_MAX < self.depth {
                        return self.fail(format!("nested deeper than {DEPTH_MAX}"));
                    }
                    otherwise.push(self.control(word, line)?);
                    self.depth -= 1;
                }
                _ => {
                    self.close()?;
                    let (nodes, end) = self.list()?;
                    if end != Ending::End {
                        return self.fail("expected {{end}}");
                    }
                    otherwise = nodes;
                }
            },
        }
        self.variables = outer;
        Ok(match word {
            "if" => Node::If { line, pipe, then, otherwise },
            "with" => Node::With { line, pipe, then, otherwise },
            _ => Node::Range { line, pipe, body: then, otherwise },
        })
    }

    fn pipe(&mut self, context: &str) -> Result<Pipe, Fault> {
        let mut pipe = Pipe { variables: Vec::new(), declares: false, commands: Vec::new() };
        // Variables come first, if a sign follows them.
        if let Some(Kind::Variable(_)) = self.peek() {
            let saved = self.tokens.clone();
            let mut names = Vec::new();
            while let Some(Kind::Variable(name)) = self.peek().cloned() {
                self.next();
                names.push(name);
                if self.peek() == Some(&Kind::Sign(",")) {
                    self.next();
                }
            }
            match self.peek() {
                Some(Kind::Sign(sign @ (":=" | "="))) => {
                    pipe.declares = *sign == ":=";
                    self.next();
                    if !pipe.declares
                        && let Some(name) = names.iter().find(|name| !self.variables.contains(*name))
                    {
                        return self.fail(format!("undefined variable {name:?}"));
                    }
                    self.variables.extend(names.iter().cloned());
                    pipe.variables = names;
                }
                _ => self.tokens = saved,
            }
        }
        loop {
            let command = self.command()?;
            if command.is_empty() {
                return self.fail(format!("missing value for {context}"));
            }
            if !pipe.commands.is_empty() && !matches!(command[0], Operand::Function(_)) {
                return self.fail("a value is piped into something that is no function");
            }
            pipe.commands.push(command);
            if self.peek() == Some(&Kind::Sign("|")) {
                self.next();
            } else {
                return Ok(pipe);
            }
        }
    }

    fn command(&mut self) -> Result<Vec<Operand>, Fault> {
        let mut operands = Vec::new();
        loop {
            let operand = match self.peek() {
                Some(Kind::Close | Kind::Sign("|" | ")" | "," | ":=" | "=") | Kind::Text(_) | Kind::Open) | None => {
                    return Ok(operands);
                }
                Some(_) => match self.next() {
                    Some(Kind::Str(text)) => Operand::Literal(Value::Text(text)),
                    Some(Kind::Int(value)) => Operand::Literal(Value::Int(value)),
                    Some(Kind::Float(value)) => Operand::Literal(Value::Float(value)),
                    Some(Kind::Field { names, .. }) => Operand::Field(names),
                    Some(Kind::Variable(name)) => {
                        if !self.variables.contains(&name) {
                            return self.fail(format!("undefined variable {name:?}"));
                        }
                        Operand::Variable(name, self.chain())
                    }
                    Some(Kind::Word(word)) => match word.as_str() {
                        "true" => Operand::Literal(Value::Bool(true)),
                        "false" => Operand::Literal(Value::Bool(false)),
                        "nil" => Operand::Literal(Value::Nil),
                        _ if (self.known)(&word) => Operand::Function(word),
                        _ => return self.fail(format!("function {word:?} not defined")),
                    },
                    Some(Kind::Sign("(")) => {
                        self.depth += 1;
                        if DEPTH_MAX < self.depth {
                            return self.fail(format!("nested deeper than {DEPTH_MAX}"));
                        }
                        let pipe = self.pipe("parenthesized pipeline")?;
                        self.depth -= 1;
                        if self.next() != Some(Kind::Sign(")")) {
                            return self.fail("unclosed left paren");
                        }
                        Operand::Group(Box::new(pipe), self.chain())
                    }
                    _ => return self.fail("unexpected text in action"),
                },
            };
            operands.push(operand);
        }
    }

    /// Fields that follow without white space.
    fn chain(&mut self) -> Vec<String> {
        match self.peek() {
            Some(Kind::Field { names, apart: false }) => {
                let names = names.clone();
                self.next();
                names
            }
            _ => Vec::new(),
        }
    }
}
