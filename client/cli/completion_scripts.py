"""What a shell runs when the Tab key is pressed after ``upright``: it asks ``upright completion --words``."""

from __future__ import annotations

BASH = r"""# upright's words for bash:  source <(upright completion bash)
_upright() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}") word line
    local current="${COMP_WORDS[COMP_CWORD]}" whole
    [ "$current" = "=" ] && current=""
    COMPREPLY=()
    while IFS=$'\t' read -r whole _; do
        word="$whole"
        # Bash takes "--flag=" for a word of its own: what is left of "=" is typed already.
        [[ "$word" == --*=?* ]] && word="${word#*=}"
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" completion --words -- "${words[@]}" 2>/dev/null)
    if [ ${#COMPREPLY[@]} -eq 1 ] && [[ "${COMPREPLY[0]}" == *[=/] ]]; then
        compopt -o nospace
    fi
}
complete -o default -F _upright upright
"""

ZSH = r"""#compdef upright
# upright's words for zsh:  source <(upright completion zsh)   (or a file _upright in your $fpath)
_upright() {
    local -a offered
    local word about
    while IFS=$'\t' read -r word about; do
        offered+=("${word//:/\\:}:$about")
    done < <("${words[1]}" completion --words -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#offered} )); then
        _describe 'upright' offered
    else
        _files
    fi
}
if [ "$funcstack[1]" = "_upright" ]; then
    _upright "$@"
else
    compdef _upright upright
fi
"""

FISH = r"""# upright's words for fish:  upright completion fish | source
function __upright_words
    set -l before (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l words (command $before[1] completion --words -- $before[2..-1] "$current" 2>/dev/null)
    if test (count $words) -gt 0
        printf '%s\n' $words
    else
        __fish_complete_path "$current"
    end
end
complete --command upright --no-files --arguments '(__upright_words)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
