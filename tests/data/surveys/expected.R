# Makes apistrat.csv, apiclus1.csv, apiclus2.csv and expected.json: the example data of R's package `survey` (T. Lumley)
# and what that package says of them. Run once, by hand, in this folder, on Debian 12:
#   apt-get install r-base-core r-cran-survey r-cran-jsonlite && Rscript expected.R
suppressMessages({library(survey); library(jsonlite)})
data(api)
keep <- c("cds", "stype", "dnum", "snum", "comp.imp", "awards", "sch.wide", "api99", "api00", "enroll", "api.stu", "pw", "fpc", "fpc1", "fpc2")
for (name in c("apistrat", "apiclus1", "apiclus2")) {
  rows <- get(name)
  write.csv(rows[, intersect(keep, names(rows))], paste0(name, ".csv"), row.names = FALSE, na = "")
}
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
clus1 <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
clus2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2)
nofpc <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat)
post <- postStratify(clus1, ~stype, data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)))
raked <- rake(clus1, list(~stype, ~sch.wide), list(data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)),
                                                    data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))))
one <- function(estimate, design, deff = NA) {
  ci <- confint(estimate, df = degf(design))
  list(value = as.numeric(coef(estimate))[1], se = as.numeric(SE(estimate))[1], low = ci[1, 1], high = ci[1, 2],
       degf = degf(design), deff = as.numeric(deff))
}
of_mean <- function(formula, design, column = 1) {
  estimate <- svymean(formula, design, na.rm = TRUE, deff = TRUE)
  ci <- confint(estimate, df = degf(design))
  list(value = as.numeric(coef(estimate))[column], se = as.numeric(SE(estimate))[column], low = ci[column, 1],
       high = ci[column, 2], degf = degf(design), deff = as.numeric(deff(estimate))[column])
}
of_ratio <- function(design) {
  estimate <- svyratio(~api.stu, ~enroll, design, na.rm = TRUE)
  list(value = as.numeric(coef(estimate)), se = as.numeric(SE(estimate)))
}
difference <- function(design) {
  design <- update(design, yes = as.numeric(awards == "Yes"), no = as.numeric(awards == "No"))
  design <- update(design, api_yes = api00 * yes, api_no = api00 * no)
  contrast <- svycontrast(svytotal(~api_yes + yes + api_no + no, design), quote(api_yes / yes - api_no / no))
  list(value = as.numeric(coef(contrast)), se = as.numeric(SE(contrast)))
}
by_type <- function(design) {
  means <- svyby(~api00, ~stype, design, svymean)
  setNames(lapply(seq_len(nrow(means)), function(i) list(value = means$api00[i], se = means$se[i])), means$stype)
}
of <- function(design) list(
  mean = of_mean(~api00, design),
  proportion = of_mean(~I(as.numeric(awards == "Yes")), design),
  total = list(value = as.numeric(coef(svytotal(~enroll, design, na.rm = TRUE))),
               se = as.numeric(SE(svytotal(~enroll, design, na.rm = TRUE)))),
  ratio = of_ratio(design), difference = difference(design), by_type = by_type(design),
  sum_of_means = {
    contrast <- svycontrast(svymean(~api00 + api99, design), c(api00 = 1, api99 = 1))
    list(value = as.numeric(coef(contrast)), se = as.numeric(SE(contrast)))
  })
write_json(list(version = as.character(packageVersion("survey")), strat = of(strat), clus1 = of(clus1), clus2 = of(clus2),
                nofpc = of(nofpc), post = of(post),
                raked = list(value = as.numeric(coef(svymean(~api00, raked))), weights = as.numeric(weights(raked))),
                holm = p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.2), "holm"), t = list(df = c(1, 2, 3, 4, 14, 39, 197), q = qt(0.975, c(1, 2, 3, 4, 14, 39, 197)))),
           "expected.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
